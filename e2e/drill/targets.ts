import { accepts, listed, readyPid, strike, copyOf, answersOk, isRunning } from './strike.ts';
import type { Target } from './disturbed-job.ts';
import type { System } from './system.ts';

/** The services that a record passes, in its order. */
export const services = ['extractor', 'keyer', 'loader'] as const;
/** The parts of the stack, by the names that the supervisor gives them. */
export const parts = ['broker', 'registry', 'database'] as const;

/** The only copy of a service. */
export function serviceTarget(system: System, name: (typeof services)[number]): Target {
  return {
    name,
    strike: async (jobId) => {
      const hit = await strike(system, jobId, { name });
      if (hit === null) return null;
      const isBack = async (): Promise<boolean> => {
        const pid = await readyPid(copyOf(system, name));
        return pid !== null && pid !== hit;
      };
      return { isBack };
    },
    settled: ({ rows, records }) => (name === 'extractor' ? records : rows),
    isNeeded: (committed, expected) => name !== 'extractor' || committed.records < expected.records,
  };
}

/** A part of the stack; it is back when it answers, and at work when rows move. */
export function partTarget(system: System, name: (typeof parts)[number]): Target {
  return {
    name,
    strike: async (jobId) => {
      const pid = listed(system, name)?.pid;
      if (pid === undefined || !(await isRunning(system, jobId)) || !(await answers(system, name))) return null;
      system.expectEnd(name, 1);
      process.kill(pid, 'SIGKILL');
      const isBack = async (): Promise<boolean> => {
        const now = listed(system, name)?.pid;
        return now !== undefined && now !== pid && (await answers(system, name));
      };
      return { isBack };
    },
    settled: ({ rows }) => rows,
    isNeeded: () => true,
  };
}

async function answers({ stack, pool }: System, name: (typeof parts)[number]): Promise<boolean> {
  switch (name) {
    case 'broker': {
      const [host = '', port = ''] = stack.env.KAFKA_BROKERS.split(':');
      return await accepts(host, Number(port));
    }
    case 'registry':
      return await answersOk(`${stack.env.SCHEMA_REGISTRY_URL}/subjects`);
    case 'database':
      return await pool.query('select 1').then(
        () => true,
        () => false,
      );
  }
}
