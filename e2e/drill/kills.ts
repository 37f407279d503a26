import { expectFacts, readLedgers } from '@full-sync/testing';
import { disturbJob } from './disturbed-job.ts';
import type { Target } from './disturbed-job.ts';
import { planKills } from './kill-schedule.ts';
import type { Recovery } from './kill-schedule.ts';
import { createRandom } from './random.ts';
import type { Random } from './random.ts';
import { describeRecoveries } from './recovery-table.ts';
import { elapsed, percent, seconds } from './report.ts';
import { startSystem } from './system.ts';
import type { System } from './system.ts';
import { partTarget, parts, services, serviceTarget } from './targets.ts';
import { verifyJob } from './verify-job.ts';

export interface KillsOptions {
  readonly seed: number;
  /** Of each service. */
  readonly kills: number;
  /** Kills broker, registry and database once each instead. */
  readonly parts: boolean;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Every answer of the simulators takes this long: a job lasts for minutes, and a kill finds requests under way. */
const latencyMs = 3_000;
const workers = 8;
/** What one kill of each service gets to happen in: some 20 s of reading. */
const campaignsPerKill = 20;
const rowsPerKill = 1_500;
const activitiesPerKill = 2_500;
/** Kills that a job ended too early for are made up for in another one, so often. */
const mostJobs = 5;

/**
 * Full syncs on a system of their own while their services are killed. Resolves to true when each service was hit as
 * often as was asked for, and each job ended by itself with exactly the rows and counts of the oracle.
 */
export async function drillKills(options: KillsOptions): Promise<boolean> {
  const { seed, kills, say, signal } = options;
  const startedAt = performance.now();
  const scale = options.parts ? 4 : Math.max(2, kills);
  const size = {
    smartlead: { campaigns: Math.min(1_000, campaignsPerKill * scale), rows: rowsPerKill * scale },
    lemlist: { campaigns: 20, activities: activitiesPerKill * scale },
  };
  const names: readonly string[] = options.parts ? parts : services;
  const each = options.parts ? 1 : kills;
  say(`drill kills: ${each} of each of ${names.join(', ')}; --seed ${seed}`);
  await using system = await startSystem({
    seed,
    size,
    limits: { smartlead: 'off', lemlist: 'off' },
    latencyMs,
    brokenRecords: 25,
    collisions: 25,
    say,
    signal,
  });
  say(`${elapsed(startedAt)} stack and services are ready; simulators answer after ${latencyMs} ms, limits are off`);

  const targets = options.parts
    ? parts.map((name) => partTarget(system, name))
    : services.map((name) => serviceTarget(system, name));
  const left = new Map(names.map((name) => [name, each]));
  const recoveries: Recovery[] = [];
  const problems: string[] = [];
  const random = createRandom(seed);
  for (let job = 1; job <= mostJobs && left.size > 0 && problems.length === 0; job += 1) {
    const namespace = `drill_${job}`;
    const onRecovery = (recovery: Recovery): void => {
      recoveries.push(recovery);
      const { target, share, readyMs, movedMs } = recovery;
      const others = (left.get(target) ?? 0) - 1;
      if (others > 0) left.set(target, others);
      else left.delete(target);
      const back = `ready after ${seconds(readyMs)}, at work after ${seconds(movedMs)}`;
      say(`${elapsed(startedAt)} ${target} killed at ${percent(share)} of the rows: ${back}`);
    };
    problems.push(...(await runJob({ system, namespace, targets, left: new Map(left), random, onRecovery, options })));
  }

  for (const [name, missing] of left) problems.push(`${name}: ${missing} kills could not be made in ${mostJobs} jobs`);
  const ends = system.unexpectedEnds();
  // Without its broker or its database a service may end; the supervisor sees to it.
  if (options.parts) for (const end of ends) say(`also: ${end}`);
  else problems.push(...ends.map((end) => `nobody killed it: ${end}`));
  say('');
  say(describeRecoveries(recoveries, 'rows'));
  for (const problem of problems) say(`FAIL ${problem}`);
  if (problems.length > 0) system.keep();
  const verdict = problems.length === 0 ? 'PASS: every set and every count exact' : `FAIL: ${problems.length} problems`;
  say(`${verdict}; ${recoveries.length} kills in ${elapsed(startedAt)} min, --seed ${seed}`);
  return problems.length === 0;
}

interface JobRun {
  readonly system: System;
  readonly namespace: string;
  readonly targets: readonly Target[];
  /** Kills still to be made. */
  readonly left: ReadonlyMap<string, number>;
  readonly random: Random;
  readonly onRecovery: (recovery: Recovery) => void;
  readonly options: KillsOptions;
}

async function runJob(run: JobRun): Promise<readonly string[]> {
  const { system, namespace, targets, left, random, onRecovery } = run;
  const { say, signal } = run.options;
  const beganAt = performance.now();
  const facts = await expectFacts(readLedgers(system.controlUrl), namespace);
  const jobId = await system.client.execute({ namespaces: [namespace], parallelWorkers: workers });
  const expected = { rows: facts.size, records: facts.counts().records };
  say(`${jobId} (${namespace}): ${expected.records} records, ${expected.rows} rows expected`);
  try {
    const plan = planKills(left, random);
    const status = await disturbJob(system, { jobId, expected, plan, targets, onRecovery, signal });
    const { problems, rows, repeats, abandoned } = await verifyJob(system, { namespace, facts, status });
    const extra = `${repeats} records came twice from ${abandoned} abandoned attempts`;
    say(`${jobId} ${status.status} after ${elapsed(beganAt)} min: ${rows} rows; ${extra}`);
    return problems.map((problem) => `${jobId}: ${problem}`);
  } catch (error) {
    if (signal.aborted) throw error;
    return [error instanceof Error ? error.message : String(error)];
  }
}
