import { join } from 'node:path';
import { exitCodeOf, exitCodes, loadDotEnv } from '@full-sync/runtime';
import { Command, Option } from 'commander';
import { PARTS, type PartName } from './addresses.ts';
import { parseCopies } from './service-plan.ts';
import type { Services } from './services.ts';
import { StackError } from './errors.ts';
import { messageOf } from './thrown.ts';
import { up, type UpOptions } from './up.ts';

/** A terminal's Ctrl-C comes to the whole group and may be passed on by npm as well: within this span it is one. */
const SAME_SIGNAL_MS = 1_000;

type Flags = {
  readonly fresh?: true;
  readonly stack?: string;
  readonly demoUpstreams: boolean;
  readonly copies?: Readonly<Record<string, number>>;
  readonly only?: readonly PartName[];
  readonly once?: true;
};

const abort = new AbortController();
let services: Services | undefined;
let firstSignalAt: number | undefined;
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  process.on(signal, () => {
    firstSignalAt ??= performance.now();
    abort.abort();
    if (performance.now() - firstSignalAt < SAME_SIGNAL_MS) return;
    console.log('second signal: ending without draining');
    services?.kill();
    process.exit(exitCodes.runtime); // the reaper stops the rest
  });
}

const program = new Command('full-sync').description('the local stack and the services');
for (const name of ['up', 'start'] as const) {
  const command = program
    .command(name)
    .option('--fresh', 'empty the state of the stack first')
    .option('--copies <list>', 'processes of a service, such as loader=2,keyer=2', parseCopies)
    .option('--no-demo-upstreams', 'never start the simulated Smartlead and Lemlist')
    .addOption(new Option('--stack <kind>', 'where missing parts come from').choices(['local', 'docker']));
  if (name === 'start') {
    command.description('the stack, all services and one full sync').option('--once', 'stop when the sync is done');
  } else {
    command
      .description('the stack and all services until Ctrl-C')
      .option('--only <parts>', `parts of the stack without the services: ${PARTS.join(', ')}`, parseParts);
  }
  command.action(async (flags: Flags) => {
    const { demoUpstreams, copies = {}, only } = flags;
    const options: UpOptions = {
      home: process.env['FULL_SYNC_HOME'] || join(import.meta.dirname, '..', '..', '..', '.full-sync'),
      fresh: flags.fresh === true,
      docker: flags.stack === 'docker',
      demoUpstreams,
      copies,
      ...(only === undefined ? {} : { only }),
      ...(name === 'start' ? { job: { once: flags.once === true } } : {}),
    };
    process.exitCode = await up(options, {
      env: process.env,
      log: (line) => {
        console.log(line);
      },
      signal: abort.signal,
      onServices: (started) => {
        services = started;
      },
    });
  });
}

function parseParts(text: string): readonly PartName[] {
  return text.split(',').map((word) => {
    const part = PARTS.find((known) => known === word.trim());
    if (part === undefined) {
      throw new StackError(`--only: expected some of ${PARTS.join(', ')}; got ${JSON.stringify(word)}`, {
        exitCode: 2,
      });
    }
    return part;
  });
}

try {
  loadDotEnv();
  await program.parseAsync();
} catch (error) {
  if (!abort.signal.aborted) console.error(messageOf(error));
  process.exitCode = abort.signal.aborted ? exitCodes.drained : exitCodeOf(error);
}
// What is left (a socket that lingers) must not hold the terminal: everything was stopped and awaited.
process.exit();
