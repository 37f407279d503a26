import type { Command } from 'commander';
import type { ApiClient } from '../api-client.ts';
import { CliError, exitCodes } from '../errors.ts';
import { figureLines } from '../figures.ts';
import { fields, text } from '../job.ts';
import { printJson, printNote, printResult } from '../output.ts';

type WithApi = () => { readonly api: ApiClient };

/** Index builds take as long as the tables are large. */
const optimizeTimeoutMs = 3_600_000;

interface Json {
  readonly json: boolean;
}

interface GenerateOptions extends Json {
  readonly platform: string;
  readonly type: string;
  readonly namespace?: string;
  readonly campaign?: string;
  readonly activity?: string;
  readonly email?: string;
  readonly lead?: string;
  readonly time?: string;
  readonly kind?: string;
  readonly sequence?: string;
}

interface OptimizeOptions extends Json {
  readonly only?: string;
  readonly recreate: boolean;
}

/** Adds `event-keys`, `database` and `metrics`; `done` takes the exit code. */
export function registerInsight(program: Command, done: (exitCode: number) => void, withApi: WithApi): void {
  const under = (group: Command, name: string, description: string): Command =>
    group.command(name).description(description).option('--json', 'print JSON only', false);
  const keys = program.command('event-keys').description('make a key; see what the keyers did');
  under(keys, 'generate', 'the key of a fact, made by the function that the keyer uses')
    .requiredOption('--platform <platform>', 'smartlead or lemlist')
    .requiredOption('--type <type>', 'the type of the event')
    .option('--namespace <namespace>')
    .option('--campaign <id>')
    .option('--activity <id>', "the source's own id of the fact")
    .option('--email <email>')
    .option('--lead <id>')
    .option('--time <time>', 'such as 2024-01-15T10:30:00Z')
    .option('--kind <kind>', 'id, reply, lead, stats or email-time')
    .option('--sequence <n>', 'the step, for the kind stats')
    .action(async (options: GenerateOptions) => {
      done(await runGenerate(options, withApi()));
    });
  under(keys, 'stats', 'totals and rates of all keyers').action(async (options: Json) => {
    done(await runShow('/api/event-keys/stats', 'stats', options, withApi()));
  });
  under(keys, 'clear-cache', 'let every keyer forget the keys that it remembers').action(async (options: Json) => {
    done(await runClearCache(options, withApi()));
  });

  const database = program.command('database').description('look after the tables of events');
  under(database, 'optimize', 'index, tune and analyze them; returns when all is done')
    .option('--only <list>', 'comma list of sync_indexes, bulk_operations, connection_pool, query_optimization')
    .option('--recreate', 'build indexes anew that are there already', false)
    .action(async (options: OptimizeOptions) => {
      done(await runOptimize(options, withApi()));
    });
  under(database, 'performance', 'how connections, queries and loading do').action(async (options: Json) => {
    done(await runShow('/api/database/performance', 'performance', options, withApi()));
  });

  under(program, 'metrics', 'memory, upstream rate limits, lag and throughput').action(async (options: Json) => {
    done(await runShow('/api/metrics', null, options, withApi()));
  });
}

/** Prints the figures of an answer, or of one of its members. */
async function runShow(
  path: string,
  member: string | null,
  { json }: Json,
  { api }: ReturnType<WithApi>,
): Promise<number> {
  const answer = await api.get(path);
  if (json) printJson(answer);
  else printResult(figureLines(member === null ? answer : fields(answer)[member]));
  return exitCodes.completed;
}

async function runGenerate(options: GenerateOptions, { api }: ReturnType<WithApi>): Promise<number> {
  const { platform, type, namespace, campaign, activity, email, lead, time, kind, sequence } = options;
  if (sequence !== undefined && !/^\d{1,15}$/.test(sequence))
    throw new CliError(exitCodes.usage, `--sequence: expected a whole number, got "${sequence}"`);
  const answer = await api.post('/api/event-keys/generate', {
    platform,
    eventType: type,
    namespace,
    campaignId: campaign,
    activityId: activity,
    email,
    leadId: lead,
    timestamp: time,
    kind,
    sequenceNumber: sequence === undefined ? undefined : Number(sequence),
  });
  if (options.json) {
    printJson(answer);
    return exitCodes.completed;
  }
  const { event_key: key, collision_detected: collision } = fields(answer);
  printResult(text(key));
  if (collision === true) printNote('This key belongs to a stored fact with another email or time.');
  return exitCodes.completed;
}

async function runClearCache({ json }: Json, { api }: ReturnType<WithApi>): Promise<number> {
  const answer = await api.post('/api/event-keys/clear-cache');
  if (json) printJson(answer);
  else {
    const { previous_cache_size: size, keyers, keyers_cleared: cleared } = fields(answer);
    printResult(`${String(cleared)} of ${String(keyers)} keyers forgot; they remembered ${String(size)} keys.`);
  }
  return exitCodes.completed;
}

async function runOptimize(options: OptimizeOptions, { api }: ReturnType<WithApi>): Promise<number> {
  const only = options.only?.split(',').map((name) => name.trim());
  const body = { optimizations: only, force_recreate: options.recreate };
  const answer = await api.post('/api/database/optimize', body, optimizeTimeoutMs);
  if (options.json) {
    printJson(answer);
    return exitCodes.completed;
  }
  const applied = fields(answer)['optimizations_applied'];
  for (const one of Array.isArray(applied) ? applied : []) {
    const { name, actions } = fields(one);
    const lines = Array.isArray(actions) && actions.length > 0 ? actions.map(String) : ['nothing to do'];
    printResult([text(name), ...lines.map((line) => `  ${line}`)].join('\n'));
  }
  return exitCodes.completed;
}
