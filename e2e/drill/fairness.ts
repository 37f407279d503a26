import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSimulators } from '@full-sync/simulators';
import { waitFor } from '@full-sync/testing';
import { elapsed, seconds } from './report.ts';
import { startSystem } from './system.ts';
import type { System } from './system.ts';

export interface FairnessOptions {
  readonly seed: number;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

const limits = { smartlead: '20/1s', lemlist: '20/1s' };
const size = { smartlead: { campaigns: 150, rows: 9_000 }, lemlist: { campaigns: 8, activities: 30_000 } };
/** Campaigns of the small job: two requests each. */
const smallCampaigns = 50;
/** With three jobs at an account each has a third of it; the rest is slack for the start and the end of a job. */
const mostTimes = 3.5;
const jobDeadlineMs = 180_000;

/**
 * A small sync alone on its account, then the same one beside two large ones that read the same account: how many times
 * as long it takes. Resolves to true when that is at most 3.5, all jobs completed and the large ones outlast the small one.
 */
export async function drillFairness({ seed, say, signal }: FairnessOptions): Promise<boolean> {
  const startedAt = performance.now();
  say(`drill fairness: three jobs on one account of ${limits.smartlead}; --seed ${seed}`);
  const directory = await mkdtemp(join(tmpdir(), 'full-sync-drill-'));
  try {
    const file = join(directory, 'namespaces.json');
    const campaigns = await someCampaigns(seed);
    const source = { smartlead: { apiKeyEnv: 'SMARTLEAD_API_KEY', campaigns } };
    await writeFile(file, JSON.stringify({ alone: source, beside: source }));
    await using system = await startSystem({
      seed,
      size,
      limits,
      latencyMs: 20,
      env: { NAMESPACES_FILE: file },
      say,
      signal,
    });
    const small = { platforms: 'smartlead' } as const;
    const aloneMs = await timeOf(system, await system.client.execute({ ...small, namespaces: 'alone' }));
    const large = [
      await system.client.execute({ namespaces: 'one' }),
      await system.client.execute({ namespaces: 'two' }),
    ];
    await waitFor(async () => (await requestsOf(system, large)) >= 20, { what: 'both large jobs at work' });
    const besideMs = await timeOf(system, await system.client.execute({ ...small, namespaces: 'beside' }));
    const open = await Promise.all(
      large.map(async (jobId) => (await system.client.status(jobId)).completed_at === null),
    );
    const times = besideMs / aloneMs;
    say(
      `the small job took ${seconds(aloneMs)} alone and ${seconds(besideMs)} beside two large ones: ${times.toFixed(2)} times`,
    );
    const faults: string[] = [];
    if (!open.every(Boolean)) faults.push('a large job ended before the small one');
    if (times > mostTimes) faults.push(`more than ${mostTimes} times`);
    for (const jobId of large) await timeOf(system, jobId);
    faults.push(...system.unexpectedEnds());
    if (faults.length > 0) system.keep();
    for (const fault of faults) say(`FAIL ${fault}`);
    say(`${faults.length === 0 ? 'PASS' : 'FAIL'}: ${elapsed(startedAt)}`);
    return faults.length === 0;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Ids of campaigns that the simulators of this seed have. */
async function someCampaigns(seed: number): Promise<readonly string[]> {
  const scouted = await startSimulators({ seed, size });
  try {
    const ids = new Set([...scouted.smartlead.ledger.facts()].map(({ campaignId }) => campaignId));
    return [...ids].slice(0, smallCampaigns);
  } finally {
    await scouted.close();
  }
}

/** Milliseconds from the making of a job to its end. Throws when it did not complete. */
async function timeOf(system: System, jobId: string): Promise<number> {
  const look = async () => {
    const job = await system.client.status(jobId);
    return job.completed_at === null ? null : job;
  };
  const job = await waitFor(look, { what: `the end of ${jobId}`, deadlineMs: jobDeadlineMs });
  if (job.status !== 'completed') throw new Error(`${jobId} ended as ${job.status}: ${JSON.stringify(job.error)}`);
  return Date.parse(job.completed_at ?? '') - Date.parse(job.created_at);
}

/** The fewest chunks that one of the jobs has committed on Smartlead's account. */
async function requestsOf({ pool }: System, jobIds: readonly string[]): Promise<number> {
  const { rows } = await pool.query<{ chunks: number }>(
    `select coalesce(sum(chunks_committed), 0)::int as chunks from unnest($1::text[]) as wanted (job_id)
     left join streams on streams.job_id = wanted.job_id and platform = 'smartlead' group by wanted.job_id`,
    [jobIds],
  );
  return Math.min(...rows.map(({ chunks }) => chunks));
}
