import { setTimeout as delay } from 'node:timers/promises';
import type { Act, Stage } from '../stage.ts';

/** The source has records that cannot become events, and ids that are used twice. */
export function brokenSource(): Act {
  let jobId = '';
  return {
    title: 'the source has broken records and uses ids twice',
    fires: ['FullSyncCollisions'],
    lasting: ['FullSyncCollisions'],
    begin: async ({ system, waitForEnd }) => {
      await system.replaceSimulators({ brokenRecords: 30, collisions: 4_000 });
      jobId = await system.client.execute();
      await waitForEnd(jobId, 360_000);
      // So that letters are seen to be replayed as well; most of them fail again.
      const answer = await system.client.call('POST', '/api/dead-letters/replay', { filter: { jobId } });
      if (answer.status >= 400) throw new Error(`the replay was answered ${answer.status}: ${answer.text}`);
    },
    end: async ({ system }) => await system.replaceSimulators({}),
  };
}

const SLEEP_S = 5.5;

/** The leaves of the table, whose names are numbers. */
async function leaves({ system }: Stage): Promise<readonly string[]> {
  const { rows } = await system.pool.query<{ leaf: string }>(
    `select relid::regclass::text as leaf from pg_partition_tree('event_source') where isleaf`,
  );
  return rows.map(({ leaf }) => leaf);
}

/** A trigger of the user’s makes every statement on the table slow. */
export function slowPostgres(): Act {
  let jobId = '';
  return {
    title: 'a trigger makes Postgres slow',
    fires: ['FullSyncFlushSlow'],
    lasting: ['FullSyncFlushSlow'],
    begin: async (stage) => {
      const { pool } = stage.system;
      await pool.query(
        `create function be_slow() returns trigger language plpgsql as 'begin perform pg_sleep(${SLEEP_S}); return null; end'`,
      );
      for (const leaf of await leaves(stage)) {
        await pool.query(`create trigger slow before insert on ${leaf} for each statement execute function be_slow()`);
      }
      jobId = await stage.system.client.execute();
    },
    end: async (stage) => {
      const { pool } = stage.system;
      for (const leaf of await leaves(stage)) await pool.query(`drop trigger slow on ${leaf}`);
      await pool.query('drop function be_slow');
      await stage.waitForEnd(jobId, 240_000);
    },
  };
}

/** Callers at once: more than the connections of the api. */
const ASKING = 40;

/** An open session holds a lock that every request needs. */
export function lockedTable(): Act {
  let release: (() => Promise<void>) | null = null;
  return {
    title: 'an open session locks a table, and callers wait for connections',
    fires: ['FullSyncConnectionsUsedUp'],
    // One that gets no connection for long.
    ends: ['loader', 'extractor'],
    begin: async ({ system }) => {
      const client = await system.pool.connect();
      await client.query('begin');
      await client.query('lock table jobs in access exclusive mode');
      const ending = new AbortController();
      // Each gives up after 10 s and asks again, at another moment than the others.
      const ask = async (index: number): Promise<void> => {
        await delay(index * 200);
        while (!ending.signal.aborted) {
          const response = await fetch(`${system.client.api}/api/full-sync/history`).catch(() => null);
          await response?.body?.cancel();
        }
      };
      const requests = Array.from({ length: ASKING }, (_, index) => ask(index));
      release = async () => {
        ending.abort();
        await client.query('rollback');
        client.release();
        await Promise.all(requests);
      };
    },
    end: async () => await release?.(),
  };
}
