import { randomInt } from 'node:crypto';
import { Command, InvalidArgumentError } from 'commander';
import { drillDestinations } from './destinations.ts';
import { drillFairness } from './fairness.ts';
import { drillFuzz } from './fuzz.ts';
import { drillKills } from './kills.ts';
import { runLoad } from './load.ts';
import { drillRates } from './rates.ts';

const abort = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => abort.abort());
const say = (line: string): void => console.log(line);

/** A reader of whole numbers from `least` to `most`. */
function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`must be a whole number from ${least} to ${most}`);
  };
}

const program = new Command('drill').description(
  'long runs of the whole system, held against the simulators’ own records',
);
const seed = ['--seed <number>', 'of the data and of the moments; drawn when not given', whole(0, 2 ** 31)] as const;

program
  .command('kills')
  .description('full syncs while services are killed: the set of rows and every count must be exact')
  .option(...seed)
  .option('--kills <number>', 'of each of extractor, keyer and loader', whole(1, 50), 20)
  .option('--parts', 'kill broker, registry and database once each instead', false)
  .action(async (flags: { readonly seed?: number; readonly kills: number; readonly parts: boolean }) => {
    const { kills, parts } = flags;
    await run(() => drillKills({ seed: flags.seed ?? randomInt(2 ** 31), kills, parts, say, signal: abort.signal }));
  });

program
  .command('rates')
  .description('two extractors at the published limits: no span above them, and hardly any of them unused')
  .option(...seed)
  .option('--spans <number>', 'of 60 s over which the use of the limits is measured', whole(1, 60), 10)
  .option('--latency-ms <number>', 'of every answer of the simulators', whole(0, 10_000), 30)
  .action(async (flags: { readonly seed?: number; readonly spans: number; readonly latencyMs: number }) => {
    const { spans, latencyMs } = flags;
    await run(() =>
      drillRates({ seed: flags.seed ?? randomInt(2 ** 31), spans, latencyMs, say, signal: abort.signal }),
    );
  });

program
  .command('load')
  .description('one sync of many events with limits off: events per second, memory and CPU of every process')
  .option(...seed)
  .option('--events <number>', 'about half of them from each platform', whole(1_000, 10_000_000), 1_000_000)
  .option('--body-bytes <number>', 'of a Smartlead message body', whole(0, 1_000_000), 10_000)
  .action(async (flags: { readonly seed?: number; readonly events: number; readonly bodyBytes: number }) => {
    const { events, bodyBytes } = flags;
    await run(() => runLoad({ seed: flags.seed ?? randomInt(2 ** 31), events, bodyBytes, log: say }));
  });

program
  .command('fairness')
  .description('a small sync beside two large ones on its account: how many times as long it takes')
  .option(...seed)
  .action(async (flags: { readonly seed?: number }) => {
    await run(() => drillFairness({ seed: flags.seed ?? randomInt(2 ** 31), say, signal: abort.signal }));
  });

program
  .command('destinations')
  .description('syncs to Mixpanel and Attio, with kills and faults: what both hold must be exact; their pace')
  .option(...seed)
  .option('--events <number>', 'of a sync', whole(1_000, 1_000_000), 100_000)
  .option('--kills <number>', 'of each of the two services', whole(0, 50), 20)
  .option('--copies <number>', 'processes of each of them', whole(1, 4), 1)
  .option('--secret-s <number>', 'how long the secret of Mixpanel is wrong, s', whole(1, 3_600), 300)
  .action(
    async (flags: {
      readonly seed?: number;
      readonly events: number;
      readonly kills: number;
      readonly copies: number;
      readonly secretS: number;
    }) => {
      await run(() =>
        drillDestinations({ ...flags, seed: flags.seed ?? randomInt(2 ** 31), say, signal: abort.signal }),
      );
    },
  );

program
  .command('fuzz')
  .description('requests of all kinds to every endpoint: each answer must be as /openapi.json says')
  .option(...seed)
  .option('--requests <number>', 'at least so many', whole(1, 10_000_000), 10_000)
  .action(async (flags: { readonly seed?: number; readonly requests: number }) => {
    const { requests } = flags;
    await run(() => drillFuzz({ seed: flags.seed ?? randomInt(2 ** 31), requests, say, signal: abort.signal }));
  });

async function run(drill: () => Promise<boolean>): Promise<void> {
  try {
    process.exitCode = (await drill()) ? 0 : 1;
  } catch (error) {
    process.exitCode = 1;
    say(
      abort.signal.aborted
        ? 'interrupted'
        : `FAIL ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
  }
}

await program.parseAsync();
// What is left (a socket that lingers) must not hold the terminal: everything was stopped and awaited.
process.exit();
