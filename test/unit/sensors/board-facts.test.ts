import { describe, expect, it } from 'vitest';
import { LinuxBoardFacts } from '../../../agent/adapters/board-facts.ts';
import { FakeSysfs } from '../../fakes/fake-sysfs.ts';
import { RecordingLog } from '../../fakes/recording-log.ts';

const factsOf = (files: Record<string, string>) =>
  new LinuxBoardFacts(new FakeSysfs(files), new RecordingLog());
const dmi = (vendor: string, product: string) =>
  factsOf({ '/sys/class/dmi/id/sys_vendor': vendor, '/sys/class/dmi/id/product_name': product });

describe('board facts', () => {
  it.each([
    ['Intel Corporation', 'Merrifield', 'Intel Corporation Merrifield'],
    ['LENOVO', 'Lenovo ThinkPad', 'Lenovo ThinkPad'],
    ['QEMU', 'To Be Filled By O.E.M.', 'QEMU'],
    ['Default string', 'NUC7i5', 'NUC7i5'],
  ])('joins the firmware vendor %j and product %j to %j', async (vendor, product, model) => {
    expect(await dmi(vendor, product).model()).toBe(model);
  });

  it('takes the main board where the product has no name', async () => {
    const facts = factsOf({
      '/sys/class/dmi/id/product_name': 'System Product Name',
      '/sys/class/dmi/id/board_name': 'B85',
    });
    expect(await facts.model()).toBe('B85');
  });

  it('prefers the device tree to the firmware table, and goes on when it cannot be read', async () => {
    const sysfs = new FakeSysfs({
      '/proc/device-tree/model': 'Raspberry Pi 5',
      '/sys/class/dmi/id/product_name': 'Other',
    });
    expect(await new LinuxBoardFacts(sysfs, new RecordingLog()).model()).toBe('Raspberry Pi 5');
    sysfs.fail('/proc/device-tree/model', 'no-privilege');
    expect(await new LinuxBoardFacts(sysfs, new RecordingLog()).model()).toBe('Other');
  });

  it('looks once only', async () => {
    const sysfs = new FakeSysfs({ '/proc/device-tree/model': 'Pi' });
    const facts = new LinuxBoardFacts(sysfs, new RecordingLog());
    await Promise.all([facts.model(), facts.model()]);
    expect(sysfs.reads.get('/proc/device-tree/model')).toBe(1);
  });

  it.each([
    ['PRETTY_NAME="Debian GNU/Linux 13 (trixie)"', 'Debian GNU/Linux 13 (trixie)'],
    ["NAME=x\nPRETTY_NAME='Poky 4'", 'Poky 4'],
    ['PRETTY_NAME=Alpine', 'Alpine'],
    ['PRETTY_NAME="a \\"b\\" \\$c"', 'a "b" $c'],
  ])('reads %j as %j', async (text, os) => {
    expect(await factsOf({ '/etc/os-release': text }).os()).toBe(os);
  });

  it('names the kernel where there is no os-release, and nothing where there is neither', async () => {
    expect(await factsOf({ '/proc/sys/kernel/osrelease': '6.12.1' }).os()).toBe('Linux 6.12.1');
    expect(await factsOf({ '/etc/os-release': 'PRETTY_NAME=""' }).os()).toBeNull();
  });
});
