/** The command that starts QEMU for an image: pure, so that it can be looked at and tested without starting anything. */
import type { EmulatedBoard, Firmware } from './emulated-board.ts';

export interface PortForward {
  readonly hostPort: number;
  readonly guestPort: number;
}

/** `user`: QEMU's own NAT. `tap`: a network device of the host, which somebody has made. */
export type MachineNetwork =
  | { readonly kind: 'user'; readonly forwards: readonly PortForward[] }
  | { readonly kind: 'tap'; readonly device: string; readonly mac: string }
  | { readonly kind: 'none' };

export interface MachineDisk {
  readonly path: string;
  /** Written to a temporary file of QEMU, and forgotten. */
  readonly isSnapshot: boolean;
  /** Every write and flush is recorded here in dm-log-writes' form (kernel, Documentation/admin-guide/device-mapper). */
  readonly writeLog?: string;
}

/** What a board of the kind `kernel` is started with. */
export interface KernelFiles {
  readonly kernel: string;
  readonly initrd: string;
  readonly deviceTree: string | null;
  readonly commandLine: string;
}

export interface Machine {
  readonly board: EmulatedBoard;
  readonly disk: MachineDisk;
  /** Null where the board's own boot loader starts it. */
  readonly kernel: KernelFiles | null;
  readonly memoryMb: number;
  readonly network: MachineNetwork;
  readonly hasKvm: boolean;
  /** `terminal`: with QEMU's escape keys, Ctrl-A x ends it. `output`: to stdout, nothing is read. */
  readonly console: 'terminal' | 'output';
  /** Unix socket of QEMU's machine protocol. */
  readonly qmpSocket?: string;
  /** Unix socket of QEMU's test protocol, which sets the levels of the board's pins. */
  readonly testSocket?: string;
  /** What the board's clock says at the start, ISO 8601 without zone; the host's time without it. */
  readonly clock?: string;
}

const CARD = 'card';
const NETWORK = 'net';

/** Program and arguments. */
export function qemuCommand(machine: Machine): [program: string, ...args: string[]] {
  const { board, kernel } = machine;
  return [
    board.program,
    ...(machine.hasKvm ? kvmArguments(board) : emulationArguments(board)),
    ...['-m', String(machine.memoryMb)],
    // No configuration of the host's, no window.
    ...['-nodefaults', '-no-user-config', '-display', 'none'],
    ...(board.firmware ? firmwareArguments(board.firmware) : []),
    ...(kernel ? kernelArguments(kernel) : []),
    ...disk(machine),
    ...network(machine),
    ...(board.name === 'raspi3b' ? [] : ['-device', 'virtio-rng-pci']),
    ...serialConsole(machine),
    ...(machine.qmpSocket === undefined
      ? []
      : ['-qmp', `unix:${escaped(machine.qmpSocket)},server=on,wait=off`]),
    ...(machine.testSocket === undefined
      ? []
      : ['-qtest', `unix:${escaped(machine.testSocket)},server=on,wait=off`, '-qtest-log', '/dev/null']),
    ...(machine.clock === undefined ? [] : ['-rtc', `base=${machine.clock}`]),
  ];
}

/** The image's own command line with the emulated board's console as the only one. */
export function commandLineFor(board: EmulatedBoard, commandLine: string): string {
  const words = commandLine
    .trim()
    .split(/\s+/)
    .filter((word) => !word.startsWith('console='));
  return [`console=${board.console}`, ...words, ...board.kernelWords].join(' ');
}

/** Machine and processor where KVM runs it. */
export function kvmArguments(board: EmulatedBoard): string[] {
  // A hypervisor below this one may hold back that register of x86, and QEMU ends then.
  const cpu = board.architecture === 'x64' ? 'host,arch-capabilities=off' : 'host';
  const machine = board.architecture === 'arm64' ? `${board.machine},gic-version=max` : board.machine;
  return ['-machine', machine, '-accel', 'kvm', '-cpu', cpu, '-smp', '2'];
}

function emulationArguments(board: EmulatedBoard): string[] {
  // The Raspberry Pi has its four cores and no other processor.
  if (board.name === 'raspi3b') return ['-machine', board.machine];
  return ['-machine', board.machine, '-cpu', board.cpu, '-smp', '2'];
}

/** What it remembers is forgotten: the image has its loader where every firmware looks. */
function firmwareArguments({ code, variables }: Firmware): string[] {
  return [
    ...['-drive', `if=pflash,unit=0,format=raw,readonly=on,file=${escaped(code)}`],
    ...['-drive', `if=pflash,unit=1,format=raw,snapshot=on,file=${escaped(variables)}`],
  ];
}

function kernelArguments({ kernel, initrd, deviceTree, commandLine }: KernelFiles): string[] {
  return [
    ...['-kernel', kernel, '-initrd', initrd, '-append', commandLine],
    ...(deviceTree === null ? [] : ['-dtb', deviceTree]),
  ];
}

function disk({ board, disk: { path, isSnapshot, writeLog } }: Machine): string[] {
  const drive = [
    ...(board.name === 'raspi3b' ? ['if=sd'] : ['if=none', `id=${CARD}`]),
    // An SD card has what it was told to write. Other disks are told what must be there by now (flush), as real ones are;
    // a QEMU that is killed has handed all to its host in either case.
    `cache=${board.name === 'raspi3b' ? 'writethrough' : 'writeback'}`,
    `snapshot=${isSnapshot ? 'on' : 'off'}`,
    ...(writeLog === undefined
      ? ['format=raw', `file=${escaped(path)}`]
      : [
          'driver=blklogwrites',
          `file.driver=file,file.filename=${escaped(path)}`,
          `log.driver=file,log.filename=${escaped(writeLog)}`,
          'log-super-update-interval=1',
        ]),
  ];
  const device = board.name === 'raspi3b' ? [] : ['-device', `virtio-blk-pci,drive=${CARD}`];
  return ['-drive', drive.join(','), ...device];
}

function network({ board, network: wanted }: Machine): string[] {
  if (wanted.kind === 'none') return [];
  const card = board.name === 'raspi3b' ? 'usb-net' : 'virtio-net-pci';
  if (wanted.kind === 'tap') {
    return [
      ...['-netdev', `tap,id=${NETWORK},ifname=${escaped(wanted.device)},script=no,downscript=no`],
      ...['-device', `${card},netdev=${NETWORK},mac=${wanted.mac}`],
    ];
  }
  const forwards = wanted.forwards.map(
    ({ hostPort, guestPort }) => `,hostfwd=tcp:127.0.0.1:${hostPort}-:${guestPort}`,
  );
  return ['-netdev', `user,id=${NETWORK}${forwards.join('')}`, '-device', `${card},netdev=${NETWORK}`];
}

function serialConsole({ console }: Machine): string[] {
  if (console === 'terminal') {
    return [
      '-chardev',
      'stdio,id=console,mux=on,signal=off',
      '-serial',
      'chardev:console',
      '-mon',
      'console',
    ];
  }
  return ['-serial', 'stdio'];
}

/** In a value of an option of QEMU a comma is written twice. */
function escaped(value: string): string {
  return value.replaceAll(',', ',,');
}
