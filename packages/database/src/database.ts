import pg from 'pg';
import { EnvironmentError } from '@full-sync/runtime';
import { createInstruments, databaseMetrics, MetricRegistry } from '@full-sync/metrics';
import type { DatabaseSettings } from '@full-sync/runtime';
import { labelled } from './unreachable.ts';

export type Client = pg.PoolClient;

/** What can run a query: the pool, or one connection inside a transaction. */
export interface Queryable {
  readonly query: pg.Pool['query'];
}

export interface Database {
  /** Its `query` throws an UnreachableError when Postgres is gone; a client that is taken from it does not say so. */
  readonly pool: pg.Pool;
  readonly schema: string;
  /**
   * Runs `work` between BEGIN and COMMIT on one connection. Serialization failures, deadlocks and lock timeouts (40001,
   * 40P01, 55P03) are nobody's fault: the whole of `work` is run again, up to five times, so it must have no effects
   * outside the transaction.
   *
   * @throws UnreachableError when Postgres is gone: whether a commit under way took place is then unknown.
   */
  readonly transaction: <T>(work: (client: Client) => Promise<T>) => Promise<T>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

type RetryReason = 'serialization' | 'deadlock' | 'lock_timeout';

const retriable: ReadonlyMap<string, RetryReason> = new Map([
  ['40001', 'serialization'],
  ['40P01', 'deadlock'],
  ['55P03', 'lock_timeout'],
]);
const maxAttempts = 5;

/**
 * Opens a pool whose connections work in `DATABASE_SCHEMA`, in UTC and with timeouts that end a frozen peer.
 *
 * @throws EnvironmentError when the database does not answer or refuses the login; the password is not in the message.
 */
export async function connectDatabase(options: {
  readonly config: DatabaseSettings;
  readonly applicationName: string;
  readonly poolMax?: number;
  /** Where the pool shows how busy it is. */
  readonly metrics?: MetricRegistry;
}): Promise<Database> {
  const { config, applicationName } = options;
  const schema = config.DATABASE_SCHEMA;
  const pool = new pg.Pool({
    connectionString: config.DATABASE_URL,
    max: options.poolMax ?? config.DATABASE_POOL_MAX,
    application_name: applicationName,
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    options: `-c search_path=${schema},public -c timezone=UTC -c idle_in_transaction_session_timeout=30000`,
  });
  // Whoever holds a connection that breaks meets the error at its next query; without a listener the event would end
  // the process instead.
  pool.on('connect', (client) => {
    client.on('error', () => undefined);
  });
  // An idle connection that breaks is replaced by the next query; whoever needs the database meets the error there.
  pool.on('error', () => undefined);
  // So does one that breaks while it is lent out and between two queries; unheard, the event would end the process.
  pool.on('connect', (client) => client.on('error', () => undefined));
  try {
    await pool.query('select 1');
  } catch (error) {
    await pool.end();
    throw new EnvironmentError(`Postgres does not answer at ${addressOf(config.DATABASE_URL)}: ${messageOf(error)}`, {
      hint: 'Check DATABASE_URL, or start the local stack with `npm run up`.',
      cause: error,
    });
  }
  labelErrors(pool);
  const noteRetry = showPool(pool, options.metrics ?? new MetricRegistry('unseen'));
  return {
    pool,
    schema,
    transaction: (work) => transaction(pool, work, noteRetry),
    [Symbol.asyncDispose]: () => pool.end(),
  };
}

/** Shows the pool at each scrape; what it returns counts a transaction that is begun anew. */
function showPool(pool: pg.Pool, registry: MetricRegistry): (reason: RetryReason) => void {
  const { connections, waiting, transactionRetries } = createInstruments(registry, databaseMetrics);
  registry.onScrape(() => {
    connections.set({ state: 'busy' }, pool.totalCount - pool.idleCount);
    connections.set({ state: 'idle' }, pool.idleCount);
    waiting.set({}, pool.waitingCount);
  });
  return (reason) => {
    transactionRetries.inc({ reason });
  };
}

/** So that whoever dies of a Postgres that is gone dies of its environment, and says so. */
function labelErrors(pool: pg.Pool): void {
  const query = pool.query.bind(pool) as (...args: readonly unknown[]) => Promise<unknown>;
  const labelling = async (...args: readonly unknown[]): Promise<unknown> => {
    try {
      return await query(...args);
    } catch (error) {
      throw labelled(error);
    }
  };
  Object.assign(pool, { query: labelling });
}

async function transaction<T>(
  pool: pg.Pool,
  work: (client: Client) => Promise<T>,
  noteRetry: (reason: RetryReason) => void,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    const client = await pool.connect().catch((error: unknown) => Promise.reject(labelled(error) as Error));
    let broken: Error | undefined;
    try {
      await client.query('begin');
      const result = await work(client);
      await client.query('commit');
      return result;
    } catch (error) {
      broken = await rollback(client);
      const reason = retriable.get(sqlState(error) ?? '');
      if (attempt >= maxAttempts || reason === undefined) throw labelled(error);
      noteRetry(reason);
    } finally {
      client.release(broken);
    }
  }
}

/** Ends the failed transaction; a connection on which even that fails is thrown away. */
async function rollback(client: Client): Promise<Error | undefined> {
  try {
    await client.query('rollback');
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** The five-character SQLSTATE of a Postgres error, or undefined for errors of other kinds. */
export function sqlState(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined;
}

function addressOf(url: string): string {
  const parsed = URL.parse(url);
  return parsed === null ? 'an unreadable DATABASE_URL' : `${parsed.host}${parsed.pathname}`;
}

function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
