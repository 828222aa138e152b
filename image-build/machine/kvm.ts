/** Whether QEMU can let the processor itself run a machine: tried, because a device file alone does not say so. */
import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { programPath } from '../product/needed-programs.ts';
import type { EmulatedBoard } from './emulated-board.ts';
import { kvmArguments } from './qemu-command.ts';

const KVM_DEVICE = '/dev/kvm';
/** A KVM inside a cloud's machine that runs kernels made for it alone (PVM): others end in "emulation failure". */
const SOFTWARE_KVM = '/sys/module/kvm_pvm';
const HARDWARE_KVM = ['/sys/module/kvm_intel', '/sys/module/kvm_amd'];
/** A machine that is made and not started takes a tenth of a second. */
const PROBE_LIMIT_MS = 10_000;
const PROBE = '{"execute":"qmp_capabilities"}\n{"execute":"quit"}\n';

/** KVM runs the host's own architecture, where this user may open it and the kernel below allows it. */
export async function canUseKvm(board: EmulatedBoard): Promise<boolean> {
  if (board.architecture !== process.arch || board.name === 'raspi3b') return false;
  const mayOpen = await access(KVM_DEVICE, constants.R_OK | constants.W_OK).then(
    () => true,
    () => false,
  );
  return mayOpen && !(await isSoftwareKvm()) && probe(board);
}

async function isSoftwareKvm(): Promise<boolean> {
  const [software, ...hardware] = await Promise.all([SOFTWARE_KVM, ...HARDWARE_KVM].map(isThere));
  return software === true && !hardware.includes(true);
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function probe(board: EmulatedBoard): Promise<boolean> {
  const fixed = ['-S', '-nodefaults', '-no-user-config', '-display', 'none', '-m', '128', '-qmp', 'stdio'];
  const child = spawn(board.program, [...kvmArguments(board), ...fixed], {
    stdio: ['pipe', 'ignore', 'ignore'],
    env: { ...process.env, PATH: programPath() },
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), PROBE_LIMIT_MS);
  // One that aborts at once does not read.
  child.stdin.on('error', () => undefined);
  child.stdin.write(PROBE);
  return new Promise((resolve) => {
    child.once('error', () => resolve(false));
    child.once('close', (code) => resolve(code === 0));
  }).then((isUsable) => {
    clearTimeout(timer);
    return isUsable === true;
  });
}
