import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { startSimulators } from '@full-sync/simulators';
import { freshDatabase, randomPrefix, spawnService, waitFor } from '@full-sync/testing';
import type { ServiceProcess } from '@full-sync/testing';
import pg from 'pg';
import { cpuSeconds } from './cpu-time.ts';

/** A full sync in steps: everything into a namespace that is new, one stage after the other. */
export interface BenchSync {
  /**
   * Runs the next stage by a process that is new and finds its work lying there: stages side by side take what comes, and
   * the size of their batches is an accident. Notes its processor time from when it was ready, and the api's meanwhile.
   */
  readonly step: (stage: BenchStage) => Promise<void>;
  /** Ends the api; the processor time per event by service, seconds. */
  readonly end: () => Promise<ReadonlyMap<string, number>>;
}

/** A pipeline with topics and a database of its own. */
export interface BenchPipeline extends AsyncDisposable {
  readonly begin: () => Promise<BenchSync>;
}

/** The stages, and the column of the job that says that one is through. */
export const benchStages = [
  { name: 'extractor', doneAt: 'extracted_at' },
  { name: 'keyer', doneAt: 'keyed_at' },
  { name: 'loader', doneAt: 'completed_at' },
] as const;

export type BenchStage = (typeof benchStages)[number];

const without = pathToFileURL(join(import.meta.dirname, 'without.ts')).href;
/** Large enough that what a process does once, or happens to do, is little of its time. */
const size = { smartlead: { campaigns: 10, rows: 120_000 }, lemlist: { campaigns: 6, activities: 60_000 } };

/** Opens a pipeline with metrics, each of whose processes is scraped once per sync, or one without any. */
export async function openPipeline(metrics: boolean): Promise<BenchPipeline> {
  await using opened = new AsyncDisposableStack();
  const database = opened.use(await freshDatabase());
  const simulators = await startSimulators({ seed: 7, size });
  opened.defer(() => simulators.close());
  const pool = new pg.Pool({ connectionString: database.url, max: 1 });
  // Ending it, a connection may still hear that its database is dropped.
  pool.on('error', () => undefined);
  opened.defer(() => pool.end());
  const env = {
    DATABASE_URL: database.url,
    KAFKA_TOPIC_PREFIX: randomPrefix(),
    LOG_LEVEL: 'warn',
    API_RATE_LIMIT: 'off',
    SMARTLEAD_API_KEY: simulators.smartlead.apiKey,
    SMARTLEAD_BASE_URL: simulators.smartlead.baseUrl,
    SMARTLEAD_RATE_LIMIT: 'off',
    LEMLIST_API_KEY: simulators.lemlist.apiKey,
    LEMLIST_BASE_URL: simulators.lemlist.baseUrl,
    LEMLIST_RATE_LIMIT: 'off',
    ...(metrics ? {} : { NODE_OPTIONS: `--import ${without}` }),
  };
  const start = async (name: string): Promise<ServiceProcess> => {
    const service = await spawnService({ name, env });
    await service.ready(120_000);
    return service;
  };
  const scrape = async ({ url }: ServiceProcess): Promise<string> => await (await fetch(`${url}/metrics`)).text();
  // Modules that are replaced by their paths may move: then both sides would be the same, and the cost nothing.
  const isAsAsked = async (service: ServiceProcess): Promise<void> => {
    if (/^full_sync_/m.test(await scrape(service)) !== metrics)
      throw new Error(`${service.name} shows ${metrics ? 'no metrics' : 'metrics'}: nothing would be compared`);
  };
  const reached = async (jobId: string, column: string): Promise<boolean> => {
    const { rows } = await pool.query<{ reached: boolean; status: string }>(
      `select ${column} is not null as reached, status from jobs where job_id = $1`,
      [jobId],
    );
    const status = rows[0]?.status ?? 'missing';
    if (['failed', 'cancelled', 'missing'].includes(status)) throw new Error(`the sync is ${status}`);
    return rows[0]?.reached === true;
  };
  const eventsOf = async (jobId: string): Promise<number> => {
    const { rows } = await pool.query<{ events: number }>(
      `select (summary->>'events_created')::float8 as events from jobs where job_id = $1`,
      [jobId],
    );
    return rows[0]?.events ?? 0;
  };
  let syncs = 0;
  const owned = opened.move();
  return {
    begin: async () => {
      syncs += 1;
      const api = await start('api');
      const jobId = await execute(api, `bench-${syncs}`);
      const used = new Map<string, number>();
      return {
        step: async ({ name, doneAt }) => {
          await using service = await start(name);
          const [before, apiBefore] = [cpuSeconds(service.pid), cpuSeconds(api.pid)];
          await waitFor(() => reached(jobId, doneAt), { what: doneAt, deadlineMs: 300_000, intervalMs: 50 });
          const scraped = name === 'loader' ? [service, api] : [service];
          if (metrics) for (const one of scraped) await scrape(one);
          used.set(name, cpuSeconds(service.pid) - before);
          used.set('api', (used.get('api') ?? 0) + cpuSeconds(api.pid) - apiBefore);
          for (const one of scraped) await isAsAsked(one);
          await service.kill('SIGTERM');
        },
        end: async () => {
          await api.kill('SIGTERM');
          const events = await eventsOf(jobId);
          if (events === 0) throw new Error('the sync created nothing');
          return new Map([...used].map(([name, seconds]) => [name, seconds / events]));
        },
      };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function execute(api: ServiceProcess, namespace: string): Promise<string> {
  const answer = await fetch(`${api.url}/api/full-sync/execute`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      platforms: ['smartlead', 'lemlist'],
      syncMode: 'full_historical',
      namespaces: namespace,
    }),
  });
  if (answer.status !== 202) throw new Error(`execute answered ${answer.status}: ${await answer.text()}`);
  const { jobId }: { readonly jobId: string } = JSON.parse(await answer.text());
  return jobId;
}
