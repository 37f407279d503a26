import { Command, InvalidArgumentError } from 'commander';
import { parseRate } from './core/rate-limit.ts';
import type { SimulatorSize } from './size.ts';
import { parseSize } from './size.ts';
import type { SortOrder } from './smartlead/account.ts';
import { startSimulators } from './start-simulators.ts';

const PARENT_CHECK_MS = 1000;

interface Options {
  readonly port: number;
  readonly host: string;
  readonly seed: number;
  readonly size: SimulatorSize;
  readonly smartleadRate: string;
  readonly lemlistRate: string;
  readonly latencyMs: number;
  readonly smartleadBodyBytes: number;
  readonly smartleadSort: SortOrder;
  readonly brokenRecords: number;
  readonly collisions: number;
  readonly mixpanelByteLimit: number;
  readonly attioWrites: number;
  readonly attioReads: number;
  readonly attioActivities: boolean;
}

function checked<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
    }
  };
}

const count = checked((text) => {
  if (!/^\d+$/.test(text)) throw new Error('must be a whole number');
  return Number(text);
});
const rate = checked((text) => {
  parseRate(text);
  return text;
});
const sort = checked((text): SortOrder => {
  if (text !== 'sentAscending' && text !== 'sentDescending' && text !== 'shuffled') throw new Error('unknown order');
  return text;
});

const command = new Command('simulators')
  .description('Smartlead and Lemlist on loopback, with data made from a seed, and Mixpanel and Attio, to send to')
  .option('--port <number>', '0 takes a free one', count, 0)
  .option('--host <address>', 'address to listen on', '127.0.0.1')
  .option('--seed <number>', 'same seed, same data', count, 1)
  .option('--size <size>', 'demo, small, or JSON', checked(parseSize), parseSize('demo'))
  .option('--smartlead-rate <limit>', 'N/Ts, several joined by commas, or off', rate, '60/60s')
  .option('--lemlist-rate <limit>', 'N/Ts, several joined by commas, or off', rate, '20/2s')
  .option('--latency-ms <number>', 'every answer waits this long', count, 0)
  .option('--smartlead-body-bytes <number>', 'mean length of a message body', count, 10_000)
  .option('--smartlead-sort <order>', 'sentAscending, sentDescending or shuffled', sort, 'sentAscending')
  .option('--broken-records <number>', 'records per platform that cannot become events', count, 0)
  .option('--collisions <number>', 'Lemlist activities with the id of another one', count, 0)
  .option('--mixpanel-byte-limit <number>', 'uncompressed bytes of a request', count, 10 * 1024 * 1024)
  .option('--attio-writes <number>', 'writes per second, 0 for no limit', count, 25)
  .option('--attio-reads <number>', 'reads per second, 0 for no limit', count, 100)
  .option('--attio-activities', 'the activities beta is on', false)
  .parse();

const options = command.opts<Options>();
const simulators = await startSimulators({
  port: options.port,
  host: options.host,
  seed: options.seed,
  size: options.size,
  smartlead: {
    rateLimit: options.smartleadRate,
    latencyMs: options.latencyMs,
    bodyBytes: options.smartleadBodyBytes,
    sort: options.smartleadSort,
    brokenRecords: options.brokenRecords,
  },
  lemlist: {
    rateLimit: options.lemlistRate,
    latencyMs: options.latencyMs,
    brokenRecords: options.brokenRecords,
    collisions: options.collisions,
  },
  mixpanel: { byteLimit: options.mixpanelByteLimit },
  attio: {
    writesPerSecond: options.attioWrites,
    readsPerSecond: options.attioReads,
    activities: options.attioActivities,
  },
});

let closing: Promise<void> | null = null;
function stop(): void {
  closing ??= simulators.close().then(() => process.exit(0));
}
process.on('SIGTERM', stop);
process.on('SIGINT', stop);
process.on('disconnect', stop);
const parent = Number(process.env['FULL_SYNC_PARENT_PID'] ?? 0);
if (parent > 0) {
  setInterval(() => {
    if (!isAlive(parent)) stop();
  }, PARENT_CHECK_MS).unref();
}

function mixpanelAccess(): Record<string, string | undefined> {
  const [project] = simulators.mixpanel.projects;
  const account = project?.serviceAccounts[0];
  return {
    mixpanel: simulators.mixpanel.baseUrl,
    mixpanelProject: project?.id,
    mixpanelToken: project?.token,
    mixpanelUser: account?.username,
    mixpanelSecret: account?.secret,
  };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, but is not ours to signal.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

process.stdout.write(
  `${JSON.stringify({
    event: 'listening',
    smartlead: simulators.smartlead.baseUrl,
    lemlist: simulators.lemlist.baseUrl,
    smartleadKey: simulators.smartlead.apiKey,
    lemlistKey: simulators.lemlist.apiKey,
    ...mixpanelAccess(),
    attio: simulators.attio.baseUrl,
    attioToken: simulators.attio.workspaces[0]?.tokens[0]?.token,
    control: simulators.controlUrl,
  })}\n`,
);
