/** The commands of `tincan` that talk to an agent, are one, or serve one; what each does is loaded when it is called. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { ActuatorOptions, SetOptions } from './actuator-commands.ts';
import type { AgentCommandOptions } from './agent-command.ts';
import type { BrokerOptions } from './broker-command.ts';
import type { CliIo } from './cli-io.ts';
import type { PingOptions } from './ping-command.ts';
import type { ReportOptions } from './report-commands.ts';
import type { SetExitCode } from './run-program.ts';
import type { SensorsOptions } from './sensors-command.ts';
import type { WatchOptions } from './watch-command.ts';

/** Adds the commands to the program. */
export function registerCommands(program: Command, io: CliIo, setExitCode: SetExitCode): void {
  registerAgent(program, io);
  registerReports(program, io, setExitCode);
  registerPing(program, io, setExitCode);
  registerActuators(program, io);
  registerSensors(program, io, setExitCode);
  registerBroker(program, io);
}

function registerAgent(program: Command, io: CliIo): void {
  program
    .command('agent')
    .summary('run the device: enrol, join the network, serve the sensors')
    .description(
      'Runs the device in the foreground until SIGINT or SIGTERM. The first start needs a claim, which the fleet’s owner makes with "tincan fleet add"; later starts need only the state.',
    )
    .requiredOption('--state <directory>', 'where identity and config are kept')
    .option('--claim <file>', 'the claim, for the first start')
    .option(
      '--socket <path>',
      'control socket (default: $RUNTIME_DIRECTORY/control.sock, else STATE/control.sock)',
    )
    .option('--check', 'validate everything, change nothing, and stop')
    .addOption(logFormat())
    .addOption(logLevel())
    .option('--tap-name <name>', 'name of the network device')
    .addHelpText('after', example('tincan agent --state /var/lib/tincan --claim greenhouse.claim.json'))
    .action(async (options: AgentCommandOptions) => {
      const { runAgentCommand } = await import('./agent-command.ts');
      await runAgentCommand(options, io);
    });
}

function logFormat(): Option {
  return new Option('--log <format>', 'form of the log on stderr').choices(['text', 'json']).default('text');
}

function logLevel(): Option {
  return new Option('--log-level <level>', 'what is logged')
    .choices(['debug', 'info', 'warn', 'error'])
    .default('info');
}

function registerReports(program: Command, io: CliIo, setExitCode: SetExitCode): void {
  asking(program.command('status'))
    .summary('say whether this device is connected, and how it is')
    .description('Asks the running agent how it is. The first line says whether it is connected, or why not.')
    .addHelpText('after', example('tincan status', 'tincan status --json | jq .broker'))
    .action(async (options: ReportOptions) => {
      const { runStatus } = await import('./report-commands.ts');
      await runStatus(options, io);
    });
  asking(program.command('doctor'))
    .summary('look for what is wrong with this device')
    .description(
      'Looks at this machine and at the running agent, and says of each thing whether it is as it should be, and what to do where it is not. The exit code is 1 when something is wrong.',
    )
    .addHelpText('after', example('sudo tincan doctor', 'tincan doctor --json'))
    .action(async (options: ReportOptions) => {
      const { runDoctor } = await import('./doctor-command.ts');
      setExitCode(await runDoctor(options, io));
    });
  asking(program.command('links'))
    .summary('list the links to other members')
    .description(
      'Lists the links of the running agent. Path: "fast" goes straight through the datapath, "slow" through the data channel; after it the ICE candidate types, ours and the peer’s.',
    )
    .addHelpText('after', example('tincan links', 'tincan links --json'))
    .action(async (options: ReportOptions) => {
      const { runLinks } = await import('./report-commands.ts');
      await runLinks(options, io);
    });
}

function registerPing(program: Command, io: CliIo, setExitCode: SetExitCode): void {
  asking(program.command('ping'))
    .summary('probe the link to a member')
    .description(
      'Probes the link to a member, which is made where there is none. The exit code is 1 when nothing answered.',
    )
    .argument('<target>', "a member's name, node id, IPv4 or IPv6 address")
    .option('-c, --count <number>', 'how many probes', wholeNumber, 4)
    .option('-i, --interval <seconds>', 'time between probes', secondsNumber, 1)
    .addHelpText('after', example('tincan ping greenhouse', 'tincan ping 10.64.0.7 -c 10 -i 0.2'))
    .action(async (target: string, options: PingOptions) => {
      const { runPing } = await import('./ping-command.ts');
      setExitCode(await runPing(target, options, io));
    });
}

function registerActuators(program: Command, io: CliIo): void {
  asking(program.command('actuators'))
    .summary('list what can be set on a device')
    .description('Asks a member over the overlay what its actuators are, and who set them.')
    .argument('[device]', "a member's name, node id or address (default: this device)")
    .addHelpText('after', example('tincan actuators greenhouse'))
    .action(async (device: string | undefined, options: ActuatorOptions) => {
      const { runActuators } = await import('./actuator-commands.ts');
      await runActuators(device, options, io);
    });
  asking(program.command('set'))
    .summary('set an actuator of a device')
    .description(
      'Sets an actuator of a member over the overlay. The fleet’s policy says who may: see "policy" in the fleet’s settings.',
    )
    .argument('<device>', "a member's name, node id or address")
    .argument('<actuator>', 'its id, as "tincan actuators" lists it')
    .argument('<value>', 'on, off or a whole number')
    .option('--for <seconds>', 'only for so long; then it goes into its safe state', secondsNumber)
    .addHelpText(
      'after',
      example('tincan set greenhouse output-pump on --for 5', 'tincan set greenhouse led-act 128'),
    )
    .action(async (device: string, actuator: string, value: string, options: SetOptions) => {
      const { runSet } = await import('./actuator-commands.ts');
      await runSet(device, actuator, value, options, io);
    });
}

function registerSensors(program: Command, io: CliIo, setExitCode: SetExitCode): void {
  const devices = "names, node ids or addresses of members (default: all of the fleet's)";
  asking(program.command('sensors'))
    .summary('list the sensor readings of the fleet')
    .description(
      'Asks members for their readings, over the overlay. A device that does not answer is one line with the reason; the exit code is 1 when none answers.',
    )
    .argument('[devices...]', devices)
    .option('-t, --timeout <seconds>', 'how long a device has to answer', secondsNumber, 5)
    .addHelpText('after', example('tincan sensors', 'tincan sensors greenhouse --json | jq .[0].sensors'))
    .action(async (targets: string[], options: SensorsOptions) => {
      const { runSensors } = await import('./sensors-command.ts');
      setExitCode(await runSensors(targets, options, io));
    });
  asking(program.command('watch'))
    .summary('follow the sensor readings of the fleet')
    .description(
      'Follows the readings of members as they are made, until Ctrl-C. In a terminal it is a live table; elsewhere a line for each reading, with --json an object for each.',
    )
    .argument('[devices...]', devices)
    .addOption(
      new Option('--sort <by>', 'order of the table')
        .choices(['device', 'sensor', 'state'])
        .default('device'),
    )
    .addHelpText('after', example('tincan watch', 'tincan watch greenhouse cellar --json >> readings.ndjson'))
    .action(async (targets: string[], options: WatchOptions) => {
      const { runWatch } = await import('./watch-command.ts');
      await runWatch(targets, options, io);
    });
}

function registerBroker(program: Command, io: CliIo): void {
  program
    .command('broker')
    .summary('run a small MQTT broker, for trials and small fleets')
    .description(
      'Runs an MQTT 3.1.1 broker in the foreground. It keeps retained messages in memory only. Larger fleets use Mosquitto or EMQX.',
    )
    .option('--listen <host:port>', 'where to listen; port 0 lets the kernel choose', '127.0.0.1:1883')
    .option('--user <name>', 'admit this user, and nobody without a name (repeat for more)', appended)
    .option(
      '--password-file <file>',
      "its first line is that --user's password (one for each --user)",
      appended,
    )
    .option('--json', 'print one JSON line when listening')
    .addHelpText(
      'after',
      example('tincan broker --listen 0.0.0.0:1883 --user fleet --password-file fleet.password'),
    )
    .action(async (options: BrokerOptions) => {
      const { runBroker } = await import('./broker-command.ts');
      await runBroker(options, io);
    });
}

function asking(command: Command): Command {
  return command
    .option('--json', 'print JSON')
    .option(
      '--socket <path>',
      "the agent's control socket (default: $TINCAN_SOCKET, else /run/tincan/control.sock)",
    );
}

function example(...lines: string[]): string {
  return `\nExample:\n${lines.map((line) => `  $ ${line}\n`).join('')}`;
}

function appended(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value];
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < 1 || number > 1_000_000) {
    throw new InvalidArgumentError('Give a whole number from 1 to 1000000');
  }
  return number;
}

function secondsNumber(text: string): number {
  const number = Number(text);
  if (!/^\d*\.?\d+$/.test(text) || number > 86_400) {
    throw new InvalidArgumentError('Give seconds from 0 to 86400, such as 0.5');
  }
  return number;
}
