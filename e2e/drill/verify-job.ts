import type { ExpectedFacts } from '@full-sync/testing';
import type { JobStatus } from '../api-client.ts';
import { assertRows } from '../expectations.ts';
import type { System } from './system.ts';
import { judgeCounts, repeatsOf } from './verdict.ts';
import type { CommittedCounts, PlatformFacts } from './verdict.ts';

export interface JobVerdict {
  /** A line each; empty when all is exact. */
  readonly problems: readonly string[];
  readonly rows: number;
  /** Records that arrived twice because a process died between publishing and committing them. */
  readonly repeats: number;
  readonly abandoned: number;
}

const platforms = ['smartlead', 'lemlist'] as const;

/** Holds an ended job against the oracle: its status, every count of every platform, and every row of its namespace. */
export async function verifyJob(
  system: System,
  job: { readonly namespace: string; readonly facts: ExpectedFacts; readonly status: JobStatus },
): Promise<JobVerdict> {
  const { namespace, facts, status } = job;
  const problems: string[] = [];
  if (status.status !== 'completed') problems.push(`it ended as ${status.status}: ${JSON.stringify(status.error)}`);
  if (status.progress.percentage !== 100) problems.push(`it shows ${status.progress.percentage} %`);
  const committed = await readCommitted(system, status.jobId);
  const rows = await readRowCounts(system, namespace);
  const parts = platforms.flatMap((platform): PlatformFacts[] => {
    const told = status.summary.by_platform[platform];
    if (told === undefined) {
      problems.push(`its summary has no ${platform}`);
      return [];
    }
    const found = committed.get(platform) ?? { records: 0, abandoned: 0 };
    const expected = facts.counts(platform);
    return [{ platform, told, expected, committed: found, rows: rows.get(platform) ?? 0 }];
  });
  problems.push(...parts.flatMap(judgeCounts));
  try {
    await assertRows(system, { facts }, namespace);
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error));
  }
  return {
    problems,
    rows: sum([...rows.values()]),
    repeats: sum(parts.map(repeatsOf)),
    abandoned: sum(parts.map((part) => part.committed.abandoned)),
  };
}

async function readCommitted({ pool }: System, jobId: string): Promise<ReadonlyMap<string, CommittedCounts>> {
  const { rows } = await pool.query<{ platform: string; records: number; abandoned: number }>(
    `select platform, sum(records_committed)::float8 as records, sum(abandoned)::float8 as abandoned
     from streams where job_id = $1 group by platform`,
    [jobId],
  );
  return new Map(rows.map(({ platform, ...counts }) => [platform, counts]));
}

async function readRowCounts({ pool }: System, namespace: string): Promise<ReadonlyMap<string, number>> {
  const { rows } = await pool.query<{ platform: string; found: number }>(
    'select platform, count(*)::float8 as found from event_source where namespace = $1 group by platform',
    [namespace],
  );
  return new Map(rows.map(({ platform, found }) => [platform, found]));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
