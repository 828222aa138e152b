/** What a board looks like from inside when it is a member: services, watchdog, confinement, disk, journal, memory. */
import { stat } from 'node:fs/promises';
import type { GuestShell } from './guest-shell.ts';
import type { ImageReport } from './image-report.ts';

/** What is not to be in a journal of a board that works: services that are held back by their own confinement. */
const HELD_BACK = 'permission denied|operation not permitted|read-only file system|EACCES|EPERM|EROFS';

interface Guest {
  readonly shell: GuestShell;
  readonly report: ImageReport;
  readonly board: string;
  readonly ip4: string;
  readonly card: string;
}

/** One case for each; the figures go into the report. */
export async function lookInside(guest: Guest): Promise<void> {
  const { shell, report, board, ip4 } = guest;
  const ask = (command: string): Promise<string> => shell.run(ip4, command);
  await report.run(`${board}: a shell by SSH over the overlay`, () => ask('uname -srm'));
  await report.run(`${board}: all units run`, async () => {
    const failed = await ask('systemctl --failed --no-legend --plain');
    if (failed !== '') throw new Error(failed);
    return ask('systemctl is-system-running --wait');
  });
  await report.run(`${board}: nothing is held back by its confinement`, async () => {
    const lines = await ask(`journalctl -b -o short-monotonic --no-pager | grep -iE '${HELD_BACK}' || true`);
    if (lines !== '') throw new Error(lines);
    return `${await ask('journalctl -b -o cat --no-pager | wc -l')} lines of journal`;
  });
  await report.run(`${board}: the agent is watched over by systemd`, () => watchdogs(ask));
  await report.run(`${board}: the data partition has the card's whole size`, () => dataSize(ask, guest.card));
  await report.run(`${board}: the root is read-only, the journal in RAM`, () => writableThings(ask));
  await report.run(`${board}: how it started`, () => startTimes(ask, guest));
}

type Ask = (command: string) => Promise<string>;

async function watchdogs(ask: Ask): Promise<string> {
  const unit = await properties(
    ask,
    'systemctl show tincan -p Type,WatchdogUSec,NRestarts,ActiveState,StatusText',
  );
  const isWatched = unit['Type'] === 'notify' && (unit['WatchdogUSec'] ?? '0') !== '0';
  if (!isWatched || unit['ActiveState'] !== 'active' || unit['NRestarts'] !== '0') {
    throw new Error(JSON.stringify(unit));
  }
  const hardware = await ask('cat /sys/class/watchdog/watchdog0/identity 2>/dev/null || echo none');
  return `${unit['StatusText']}; every ${unit['WatchdogUSec']}; hardware watchdog: ${hardware}`;
}

async function dataSize(ask: Ask, card: string): Promise<string> {
  const [bytes, cardBytes] = [Number(await ask('findmnt -bno SIZE /data')), (await stat(card)).size];
  const startBytes =
    512 * Number(await ask('cat /sys/class/block/$(basename $(findmnt -no SOURCE /data))/start'));
  const share = bytes / (cardBytes - startBytes);
  if (!(share > 0.85)) throw new Error(`${bytes} bytes of the ${cardBytes - startBytes} that there are`);
  return `${(bytes / 1e6).toFixed(0)} MB usable of a card of ${(cardBytes / 1e6).toFixed(0)} MB`;
}

async function writableThings(ask: Ask): Promise<string> {
  const mounts = await ask('findmnt -rno TARGET,FSTYPE,OPTIONS -t ext4,vfat,squashfs');
  const boot = mounts.split('\n').find((line) => line.startsWith('/boot/firmware '));
  if (!boot?.includes(' ro,')) throw new Error(`/boot/firmware is not read-only: ${mounts}`);
  if ((await ask('findmnt -no FSTYPE /')) !== 'overlay') throw new Error('the root has no layer of RAM');
  const kept = await ask('ls -d /var/log/journal 2>/dev/null || true');
  if (kept !== '') throw new Error('the journal is kept in /var/log/journal');
  return `${await ask('du -sh /run/log/journal | cut -f1')} of journal; LED: ${await ask('cat /run/tincan-image/led')}`;
}

async function startTimes(ask: Ask, { report, board }: Guest): Promise<string> {
  const text = await ask('systemd-analyze time | head -n 1');
  const slowest = await ask('systemd-analyze blame --no-pager | head -n 5');
  report.measured(
    `${board}: slowest units`,
    slowest
      .split('\n')
      .map((line) => line.trim())
      .join(', '),
  );
  const security = await ask('systemd-analyze security tincan --no-pager | tail -n 1');
  report.measured(
    `${board}: ${security.replace(/^\W+/, '').split(':')[0]}`,
    security.split(':')[1]?.trim() ?? '',
  );
  return text;
}

/** Memory that programs and kernel cannot give back, whole system. */
export async function memoryAtRest({ shell, report, board, ip4 }: Guest): Promise<void> {
  const text = await shell.run(
    ip4,
    'cat /proc/meminfo; systemctl show tincan -p MemoryCurrent -p CPUUsageNSec',
  );
  const kilobytes = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? Number.NaN);
  const usedMb = (kilobytes('MemTotal') - kilobytes('MemAvailable')) / 1000;
  const agentMb = Number(/^MemoryCurrent=(\d+)/m.exec(text)?.[1] ?? Number.NaN) / 1e6;
  report.measured(
    `${board}: memory in use, whole system`,
    `${usedMb.toFixed(0)} of ${(kilobytes('MemTotal') / 1000).toFixed(0)} MB`,
  );
  report.measured(`${board}: of which the agent's service`, `${agentMb.toFixed(0)} MB`);
}

async function properties(ask: Ask, command: string): Promise<Record<string, string>> {
  const lines = (await ask(command)).split('\n');
  return Object.fromEntries(
    lines.map((line) => [line.split('=')[0] ?? '', line.slice(line.indexOf('=') + 1)]),
  );
}
