import type { Logger } from '@full-sync/runtime';
import type { Client, Database } from './database.ts';

/** How long a consumer waits for its position row before it ends whoever holds it. */
const patienceMs = 10_000;

/**
 * Runs `lock`, a statement that waits for a position's row, and ends the backends that hold the row for longer than
 * 10 s: a client frozen inside COPY heeds no timeout of the server. `at` names the position in the log.
 */
export async function waitForLock<T>(options: {
  readonly db: Database;
  readonly client: Client;
  readonly lock: () => Promise<T>;
  readonly logger: Logger;
  readonly at: object;
}): Promise<T> {
  const { db, client, lock, logger, at } = options;
  const { rows } = await client.query<{ pid: number }>({
    name: 'backend-pid',
    text: 'select pg_backend_pid() as pid',
  });
  const timer = setInterval(() => {
    endBlockers(db, rows[0]?.pid ?? 0).then(
      (ended) => {
        if (ended.length > 0) logger.warn({ ...at, ended }, 'ended the backends that held the position');
      },
      (error: unknown) => {
        logger.error({ err: error, ...at }, 'could not end the backend that holds the position');
      },
    );
  }, patienceMs);
  try {
    return await lock();
  } finally {
    clearInterval(timer);
  }
}

async function endBlockers(db: Database, pid: number): Promise<number[]> {
  const { rows } = await db.pool.query<{ pid: number }>(
    'select pid from unnest(pg_blocking_pids($1)) as blocking (pid) where pg_terminate_backend(pid)',
    [pid],
  );
  return rows.map((row) => row.pid);
}
