/** The owner's commands: `tincan fleet …`. Options and help; what each does stands in fleet-commands.ts. */
import { type Command, InvalidArgumentError } from 'commander';
import { DEFAULT_CLAIM_DAYS } from '../../provisioning/documents/claim.ts';
import type { CliIo } from './cli-io.ts';
import { type ApplyOptions, runApply } from './fleet-apply-command.ts';
import {
  type AddOptions,
  type InitOptions,
  runAdd,
  runInit,
  runList,
  runRevoke,
  runServe,
  runShow,
  runStatus,
  type ShowOptions,
} from './fleet-commands.ts';

const DIRECTORY = ['<dir>', 'the fleet directory'] as const;
const JSON_OPTION = ['--json', 'print JSON'] as const;

/** Adds `fleet` and its commands to the program. */
export function registerFleet(program: Command, io: CliIo): void {
  const fleet = program
    .command('fleet')
    .description('Makes and runs a fleet of devices, from a directory of yours.');
  registerInit(fleet, io);
  registerAdd(fleet, io);
  registerApply(fleet, io);
  fleet
    .command('revoke')
    .description(
      'Puts a device out of the fleet, for good: lost, stolen or given away. The others close their links to it.',
    )
    .argument(...DIRECTORY)
    .argument('<device>', 'its name, which is free again afterwards')
    .option(...JSON_OPTION)
    .addHelpText('after', example('tincan fleet revoke home greenhouse'))
    .action((dir: string, device: string, options: { json?: boolean }) =>
      runRevoke(dir, device, options, io),
    );
  fleet
    .command('serve')
    .description(
      'Admits devices and publishes their configs until it is interrupted. Devices run on without it.',
    )
    .argument(...DIRECTORY)
    .option('--json', 'print one JSON line for each event')
    .addHelpText('after', example('tincan fleet serve home'))
    .action((dir: string, options: { json?: boolean }) => runServe(dir, options, io));
  fleet
    .command('list')
    .description('Lists the devices of a fleet.')
    .argument(...DIRECTORY)
    .option(...JSON_OPTION)
    .action((dir: string, options: { json?: boolean }) => runList(dir, options, io));
  fleet
    .command('show')
    .description('Shows the fleet, or one of its devices.')
    .argument(...DIRECTORY)
    .argument('[device]', 'name of a device')
    .option('--acl', 'print an ACL file for the Mosquitto broker instead')
    .option(...JSON_OPTION)
    .action((dir: string, device: string | undefined, options: ShowOptions) =>
      runShow(dir, device, options, io),
    );
  fleet
    .command('status')
    .description('Asks the broker which devices are there, and what became of their configs.')
    .argument(...DIRECTORY)
    .option(...JSON_OPTION)
    .action((dir: string, options: { json?: boolean }) => runStatus(dir, options, io));
}

function registerInit(fleet: Command, io: CliIo): void {
  fleet
    .command('init')
    .description(
      'Makes a fleet: its keys, its network and its broker, in a directory. No account, no server.',
    )
    .argument('<dir>', 'where to keep the fleet; back it up, it holds the keys')
    .requiredOption('--name <name>', 'name of the fleet')
    .requiredOption('--broker <url>', 'mqtt://HOST:PORT, mqtts://, ws:// or wss://; USER@ before the host')
    .option('--password-file <file>', "its first line is the password of the URL's user")
    .option('--device-user <name>', "what devices log in with, when that is not the URL's user")
    .option('--device-password-file <file>', "its first line is --device-user's password")
    .option('--network <cidr>', 'IPv4 network of the fleet', '10.64.0.0/16')
    .option('--ca <file>', "PEM of the CA that the broker's certificate leads to")
    .option(
      '--ice-server <url>',
      'stun:HOST:PORT or turn:USER:PASSWORD@HOST:PORT (repeat for more)',
      appended,
    )
    .option(...JSON_OPTION)
    .addHelpText('after', example('tincan fleet init home --name home --broker mqtt://192.168.1.10:1883'))
    .action((dir: string, options: InitOptions) => runInit(dir, options, io));
}

function registerAdd(fleet: Command, io: CliIo): void {
  fleet
    .command('add')
    .description(
      'Adds a device: gives it an address, and writes the one-off claim that makes a board this device.',
    )
    .argument(...DIRECTORY)
    .argument('<device>', 'its name: letters, digits and hyphens')
    .option('--ip <address>', 'address in the fleet (default: the lowest free one)')
    .option('--tag <tag>', 'a tag, for policy and rollout (repeat for more)', appended)
    .option('--claim <file>', 'where to write the claim (default: DEVICE.claim.json)')
    .option('--expires <days>', 'how long the claim can be used', daysNumber, DEFAULT_CLAIM_DAYS)
    .option(...JSON_OPTION)
    .addHelpText('after', example('tincan fleet add home greenhouse --tag sensor'))
    .action((dir: string, device: string, options: AddOptions) => runAdd(dir, device, options, io));
}

function registerApply(fleet: Command, io: CliIo): void {
  fleet
    .command('apply')
    .description(
      'Changes settings of the fleet: sensors, policy, links. First one device gets them, then a tenth, then all; when one goes back, all do.',
    )
    .argument(...DIRECTORY)
    .argument('[file]', 'JSON, joined with the settings of fleet.json (RFC 7396: null removes)')
    .option(
      '--first <device>',
      'the device to begin with (repeat for more; default: one that is online)',
      appended,
    )
    .option('--all-at-once', 'no waves')
    .option('--dry-run', 'check it, and say who would get another config')
    .option('--stop', 'take back what is under way')
    .option(...JSON_OPTION)
    .addHelpText('after', example('tincan fleet apply home sensors.json --first greenhouse'))
    .action((dir: string, file: string | undefined, options: ApplyOptions) =>
      runApply(dir, file, options, io),
    );
}

function example(line: string): string {
  return `\nExample:\n  $ ${line}\n`;
}

function appended(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value];
}

function daysNumber(text: string): number {
  const days = Number(text);
  if (text.trim() === '' || !(days > 0 && days <= 3650)) {
    throw new InvalidArgumentError('Give days, more than 0 and at most 3650');
  }
  return days;
}
