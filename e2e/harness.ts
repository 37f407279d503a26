import { connectKafka } from '@full-sync/kafka';
import { createLogger } from '@full-sync/runtime';
import { topics } from '@full-sync/schemas';
import { SIZES, startSimulators } from '@full-sync/simulators';
import type { RunningSimulators, StartOptions } from '@full-sync/simulators';
import { describeExit, freePort, freshDatabase, randomPrefix, stackAddresses, waitFor } from '@full-sync/testing';
import type { Endpoint } from '@full-sync/testing';
import pg from 'pg';
import { createApiClient } from './api-client.ts';
import type { ApiClient, JobStatus } from './api-client.ts';
import { credentialsOf, setUpAttio } from './destinations.ts';
import { DESTINATIONS, digest, SERVICES, supervise } from './supervise.ts';
import type { ServiceName, Supervised } from './supervise.ts';

export type PipelineOptions = {
  /** `small` without limits unless told. */
  readonly simulators?: StartOptions;
  /** Variables of all services. */
  readonly env?: Readonly<Record<string, string>>;
  /** Variables of one service, before those of all. */
  readonly only?: Partial<Readonly<Record<ServiceName, Readonly<Record<string, string>>>>>;
  /** How many processes of each service; one unless told. */
  readonly copies?: Partial<Readonly<Record<ServiceName, number>>>;
  /** Where the services reach the database instead of at its own address. */
  readonly databaseAt?: Endpoint;
  /** Whether both destinations take part, with credentials of the simulators; not unless told. */
  readonly destinations?: boolean;
  /** Starts a service again when it ends; off unless told, so that an unexpected end is a failure. */
  readonly restart?: boolean;
};

/** All services as processes, on simulators, a database and topics of one test's own. */
export type Pipeline = AsyncDisposable &
  ApiClient & {
    readonly simulators: RunningSimulators;
    readonly controlUrl: string;
    readonly databaseUrl: string;
    readonly topicPrefix: string;
    readonly pool: pg.Pool;
    readonly services: readonly Supervised[];
    /** The first copy of a service. */
    readonly service: (name: ServiceName) => Supervised;
    /** Waits for the end of a job, whichever it is. Throws with the logs when a service ends that is not restarted, or `deadlineMs` passes. */
    readonly waitForEnd: (jobId: string, deadlineMs?: number) => Promise<JobStatus>;
    /** Everything that every service has written. */
    readonly output: () => string;
    /** Runs a part of a test; when it fails, the error carries the last lines of every service's log. */
    readonly explain: <T>(work: () => Promise<T>) => Promise<T>;
  };

/** Starts the pipeline for `await using` and waits until every service is ready. Its end is a drain, which must succeed. */
export async function startPipeline(options: PipelineOptions = {}): Promise<Pipeline> {
  const { copies = {}, destinations = false, env = {}, only = {}, restart = false } = options;
  await using started = new AsyncDisposableStack();
  const database = started.use(await freshDatabase());
  const topicPrefix = randomPrefix();
  started.defer(() => deleteTopics(topicPrefix));
  const simulators = await startSimulators({ seed: 1, size: SIZES.small, ...options.simulators });
  started.defer(() => simulators.close());
  const pool = new pg.Pool({ connectionString: database.url, max: 4, application_name: 'full-sync-e2e' });
  started.defer(() => pool.end());

  const common = {
    DATABASE_URL: urlAt(database.url, options.databaseAt),
    KAFKA_TOPIC_PREFIX: topicPrefix,
    SMARTLEAD_API_KEY: simulators.smartlead.apiKey,
    SMARTLEAD_BASE_URL: simulators.smartlead.baseUrl,
    SMARTLEAD_RATE_LIMIT: 'off',
    LEMLIST_API_KEY: simulators.lemlist.apiKey,
    LEMLIST_BASE_URL: simulators.lemlist.baseUrl,
    LEMLIST_RATE_LIMIT: 'off',
    ...(destinations ? credentialsOf(simulators) : {}),
    ...env,
  };
  if (destinations) await setUpAttio(common);
  const services: Supervised[] = [];
  for (const service of [...SERVICES, ...(destinations ? DESTINATIONS : [])]) {
    for (let copy = 1; copy <= (copies[service] ?? 1); copy += 1) {
      const name = copy === 1 ? service : `${service}-${copy}`;
      // A fixed port, so that the api is found again after a restart.
      const port = service === 'api' ? { API_PORT: String(await freePort()) } : {};
      const environment = { ...common, ...port, ...only[service] };
      services.push(started.use(await supervise({ name, service, env: environment, restart })));
    }
  }
  const service = (name: ServiceName): Supervised => {
    const found = services.find((one) => one.service === name);
    if (found === undefined) throw new Error(`the pipeline has no ${name}`);
    return found;
  };
  await Promise.all(services.map((one) => one.ready()));

  const client = createApiClient(service('api').current().url);
  const logs = (): string => services.map((one) => `--- ${one.name}\n${digest(one.output())}`).join('\n');
  let isExplained = false;
  const explain: Pipeline['explain'] = async (work) => {
    try {
      return await work();
    } catch (error) {
      isExplained = true;
      const message = error instanceof Error ? error.message : String(error);
      throw new Error(`${message}\n${logs()}`, { cause: error });
    }
  };
  const deadOne = (): Supervised | undefined => services.find((one) => !restart && one.current().hasExited());
  const cleanUp = started.move();
  return {
    ...client,
    simulators,
    controlUrl: simulators.controlUrl,
    databaseUrl: database.url,
    topicPrefix,
    pool,
    services,
    service,
    output: () => services.map((one) => one.output()).join(''),
    explain,
    waitForEnd: (jobId, deadlineMs = 120_000) =>
      explain(async () => {
        let last: JobStatus | null = null;
        const look = async (): Promise<JobStatus | Supervised | null> => {
          const dead = deadOne();
          if (dead !== undefined) return dead;
          last = await client.status(jobId);
          return last.completed_at === null ? null : last;
        };
        const seen = await waitFor(look, { deadlineMs, what: `the end of ${jobId}`, intervalMs: 100 }).catch(
          (error: unknown) => {
            throw new Error(`${jobId} did not end in ${deadlineMs} ms; last seen: ${JSON.stringify(last)}`, {
              cause: error,
            });
          },
        );
        if ('jobId' in seen) return seen;
        throw new Error(`${seen.name} ended (${describeExit(seen.exits().at(-1) ?? null)}) while ${jobId} ran`);
      }),
    async [Symbol.asyncDispose]() {
      const drains = await Promise.allSettled(services.map((one) => one.stop()));
      await cleanUp.disposeAsync();
      const failed = drains.flatMap((drain) => (drain.status === 'rejected' ? [drain.reason as unknown] : []));
      // Thrown from here it would hide the failure that came first.
      if (failed.length > 0 && !isExplained) throw new AggregateError(failed, failed.map(String).join('\n'));
    },
  };
}

function urlAt(url: string, place: Endpoint | undefined): string {
  const moved = new URL(url);
  if (place !== undefined) moved.host = `${place.host}:${place.port}`;
  return moved.href;
}

/** Removes the topics of a pipeline that has ended. */
export async function deleteTopics(prefix: string): Promise<void> {
  const config = { KAFKA_BROKERS: stackAddresses().kafkaBrokers, KAFKA_TOPIC_PREFIX: prefix, KAFKA_SSL: false };
  const logger = createLogger({ service: 'e2e', level: 'silent' });
  await using client = await connectKafka({ config, clientId: 'e2e', logger });
  const existing = new Set(await client.admin.listTopics());
  const ours = topics.map((topic) => client.named(topic.name)).filter((topic) => existing.has(topic));
  if (ours.length > 0) await client.admin.deleteTopics({ topics: ours });
}
