import { setTimeout as delay } from 'node:timers/promises';
import { planKills } from './kill-schedule.ts';
import type { Recovery } from './kill-schedule.ts';
import type { Random } from './random.ts';
import type { SimulatorControl } from './simulator-control.ts';
import { copyOf, readyPid } from './strike.ts';
import type { System } from './system.ts';

export interface Disturbance {
  readonly system: System;
  readonly jobId: string;
  /** Events of the job that are to be settled at a destination. */
  readonly events: number;
  readonly kills: number;
  /** Processes of the service, of which each kill hits a drawn one. */
  readonly copies: number;
  readonly random: Random;
  readonly onRecovery: (recovery: Recovery) => void;
  readonly signal: AbortSignal;
}

const lookEveryMs = 50;
/** Of a killed service: until its place is taken, and until something is settled again. */
const backWithinMs = 240_000;

/**
 * Kills a destination's service while it settles the events of a job, at drawn places of them; each time it must be back
 * at work by itself. Returns how many kills the job ended too early for.
 */
export async function killWhileSettling(name: string, disturbance: Disturbance): Promise<number> {
  const { system, jobId, events, kills, copies, random, onRecovery, signal } = disturbance;
  const plan = [...planKills(new Map([[name, kills]]), random)];
  const settled = async (): Promise<number> => await settledEvents(system, jobId, name);
  for (;;) {
    const next = plan[0];
    const now = await settled();
    if (next === undefined || now >= events) return plan.length;
    const copy = 1 + Math.floor(random() * copies);
    const pid = now / events < next.share ? null : await readyPid(copyOf(system, name, copy));
    if (pid !== null) {
      const at = performance.now();
      system.expectEnd(name, copy);
      process.kill(pid, 'SIGKILL');
      plan.shift();
      const before = await settled();
      const readyMs = await elapsedUntil(at, signal, name, async () => {
        const other = await readyPid(copyOf(system, name, copy));
        return other !== null && other !== pid;
      });
      const movedMs = await elapsedUntil(at, signal, name, async () => (await settled()) > before || before >= events);
      onRecovery({ target: name, share: before / events, readyMs, movedMs });
    }
    await delay(lookEveryMs, undefined, { signal });
  }
}

async function elapsedUntil(
  sinceMs: number,
  signal: AbortSignal,
  name: string,
  look: () => Promise<boolean>,
): Promise<number> {
  while (!(await look())) {
    if (performance.now() - sinceMs > backWithinMs) throw new Error(`${name} was killed and is not back at work`);
    await delay(lookEveryMs, undefined, { signal });
  }
  return performance.now() - sinceMs;
}

/** Events of a job that a destination has settled so far, as committed. */
async function settledEvents({ pool }: System, jobId: string, name: string): Promise<number> {
  const { rows } = await pool.query<{ settled: number }>(
    `select coalesce(sum(sent + skipped + failed), 0)::float8 as settled from job_deliveries
     where job_id = $1 and destination = $2`,
    [jobId, name],
  );
  return rows[0]?.settled ?? 0;
}

/** Everything that a destination may do to a request, all the time and in storms. */
export async function letThingsGoWrong(control: SimulatorControl, seed: number): Promise<void> {
  const share = (platform: string, probability: number, fault: object, salt: number) => ({
    platform,
    probability,
    seed: seed + salt,
    ...fault,
  });
  // Of writes alone: a storm ends after so many answers, and what else is asked is asked seldom.
  const storm = (platform: string, path: string, skip: number, count: number) => ({
    platform,
    path,
    kind: 'status',
    status: 429,
    skip,
    count,
  });
  await control.arm([
    // Done, and nobody is told.
    share('mixpanel', 0.1, { kind: 'loseReply' }, 1),
    share('mixpanel', 0.05, { kind: 'dropRequest' }, 2),
    share('mixpanel', 0.03, { kind: 'status', status: 503 }, 3),
    share('mixpanel', 0.03, { kind: 'status', status: 502, body: 'upstream connect error' }, 4),
    ...[10, 60, 110].map((skip) => storm('mixpanel', '/import', skip, 4)),
    share('attio', 0.03, { kind: 'loseReply' }, 5),
    share('attio', 0.02, { kind: 'dropRequest' }, 6),
    share('attio', 0.02, { kind: 'status', status: 500 }, 7),
    share('attio', 0.02, { kind: 'status', status: 502 }, 8),
    // Done after its caller gave up (10 s), and so perhaps after the next total.
    share('attio', 0.002, { kind: 'late', ms: 12_000 }, 9),
    ...[100, 1_000, 3_000, 6_000].map((skip) => storm('attio', '/people/records', skip, 100)),
  ]);
}
