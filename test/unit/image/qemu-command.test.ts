import { describe, expect, it } from 'vitest';
import { emulatedBoard, emulatedBoardNames } from '../../../image-build/machine/emulated-board.ts';
import { powerOfTwoFrom } from '../../../image-build/machine/machine-image.ts';
import { commandLineFor, type Machine, qemuCommand } from '../../../image-build/machine/qemu-command.ts';

const KERNEL = { kernel: '/k', initrd: '/i', deviceTree: null, commandLine: 'ro' };

function machine(name: string, more: Partial<Machine> = {}): Machine {
  const board = emulatedBoard(name);
  return {
    board,
    disk: { path: '/images/a,b.img', isSnapshot: true },
    kernel: board.boots === 'kernel' ? KERNEL : null,
    memoryMb: board.defaultMemoryMb,
    network: { kind: 'user', forwards: [{ hostPort: 2222, guestPort: 22 }] },
    hasKvm: false,
    console: 'terminal',
    ...more,
  };
}

function valueAfter(command: readonly string[], option: string): string | undefined {
  return command[command.indexOf(option) + 1];
}

describe('the command for QEMU', () => {
  it.each(emulatedBoardNames)('of %s has its program, a serial console, and no window', (name) => {
    const command = qemuCommand(machine(name));
    expect(command[0]).toBe(emulatedBoard(name).program);
    expect(valueAfter(command, '-machine')).toBe(emulatedBoard(name).machine);
    expect(valueAfter(command, '-display')).toBe('none');
    expect(command).toContain('chardev:console');
  });

  it('gives the Raspberry Pi an SD card and a USB network card, and the others virtio', () => {
    const pi = qemuCommand(machine('raspi3b')).join(' ');
    expect(pi).toContain('-drive if=sd,');
    expect(pi).toContain('-device usb-net,netdev=net');
    expect(pi).not.toContain('virtio');
    const virt = qemuCommand(machine('virt')).join(' ');
    expect(virt).toContain('virtio-blk-pci');
    expect(virt).toContain('-device virtio-net-pci,netdev=net');
  });

  it('writes a comma in a path twice, and leads ports to 127.0.0.1 alone', () => {
    const command = qemuCommand(machine('virt'));
    expect(valueAfter(command, '-drive')).toContain('file=/images/a,,b.img');
    expect(valueAfter(command, '-netdev')).toBe('user,id=net,hostfwd=tcp:127.0.0.1:2222-:22');
  });

  it('starts a PC by its own boot loader', () => {
    const command = qemuCommand(machine('q35'));
    expect(command).not.toContain('-kernel');
    expect(command).not.toContain('-append');
  });

  it('records writes only where it is asked to, and sets the clock only then', () => {
    expect(qemuCommand(machine('virt')).join(' ')).not.toMatch(/blklogwrites|-rtc/);
    const disk = { path: '/card', isSnapshot: false, writeLog: '/log' };
    const command = qemuCommand(machine('virt', { disk, clock: '1970-01-01T00:00:00' })).join(' ');
    expect(command).toContain('driver=blklogwrites,file.driver=file,file.filename=/card,log.driver=file');
    expect(command).toContain('-rtc base=1970-01-01T00:00:00');
  });

  it('gives a PC with EFI its firmware, whose memory is forgotten', () => {
    const command = qemuCommand(machine('q35-efi')).join(' ');
    expect(command).toMatch(/if=pflash,unit=0,format=raw,readonly=on,file=\S+CODE/);
    expect(command).toMatch(/if=pflash,unit=1,format=raw,snapshot=on,file=\S+VARS/);
    expect(qemuCommand(machine('q35')).join(' ')).not.toContain('pflash');
  });

  it('opens the pins to tests only where it is asked to', () => {
    expect(qemuCommand(machine('virt')).join(' ')).not.toContain('qtest');
    const command = qemuCommand(machine('virt', { testSocket: '/a,b' }));
    expect(valueAfter(command, '-qtest')).toBe('unix:/a,,b,server=on,wait=off');
  });

  it('uses the processor itself where KVM is', () => {
    const command = qemuCommand(machine('q35', { hasKvm: true })).join(' ');
    expect(command).toContain('-accel kvm -cpu host');
  });
});

describe('the kernel’s command line', () => {
  it('keeps everything but the consoles, and lets no watchdog reset the emulated Raspberry Pi', () => {
    const own = 'console=ttyS1,115200 console=tty0 root=PARTUUID=54494e43-02 ro panic=10\n';
    expect(commandLineFor(emulatedBoard('raspi3b'), own)).toBe(
      'console=ttyAMA0,115200 root=PARTUUID=54494e43-02 ro panic=10 systemd.watchdog_sec=off',
    );
  });
});

describe('the size of a card', () => {
  it('is the next power of two', () => {
    expect(powerOfTwoFrom(1)).toBe(1);
    expect(powerOfTwoFrom(300 * 2 ** 20)).toBe(2 ** 29);
    expect(powerOfTwoFrom(2 ** 29)).toBe(2 ** 29);
    expect(powerOfTwoFrom(2 ** 29 + 1)).toBe(2 ** 30);
  });
});
