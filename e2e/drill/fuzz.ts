import { waitFor } from '@full-sync/testing';
import { endlessSync, fuzzApi } from '../fuzz/fuzz-api.ts';
import { elapsed, table } from './report.ts';
import { startSystem } from './system.ts';

export interface FuzzDrillOptions {
  readonly seed: number;
  readonly requests: number;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

const jobDeadlineMs = 120_000;

/**
 * Requests made from `/openapi.json`, right and wrong ones, to every endpoint of a whole system with tiny simulators and
 * without a limit on requests. Resolves to true when every answer was as described, every operation was also carried out,
 * no process ended, and a sync completes afterwards.
 */
export async function drillFuzz({ seed, requests, say, signal }: FuzzDrillOptions): Promise<boolean> {
  const startedAt = performance.now();
  say(`drill fuzz: ${requests} requests; --seed ${seed}`);
  await using system = await startSystem({
    seed,
    size: { smartlead: { campaigns: 1, rows: 5 }, lemlist: { campaigns: 1, activities: 5 } },
    limits: { smartlead: 'off', lemlist: 'off' },
    latencyMs: 0,
    // For dead letters.
    brokenRecords: 2,
    env: { API_RATE_LIMIT: 'off' },
    say,
    signal,
  });
  const { client } = system;
  const endOf = async (jobId: string): Promise<string> => {
    const ended = async (): Promise<string | null> => {
      const job = await client.status(jobId);
      return job.completed_at === null ? null : job.status;
    };
    return await waitFor(ended, { what: `the end of ${jobId}`, deadlineMs: jobDeadlineMs });
  };
  const first = await client.execute();
  await endOf(first);
  const held = await client.execute({ ...endlessSync, namespaces: 'held' });
  const results = await fuzzApi({ url: system.services.apiUrl, requests, seed, jobIds: [first, held], signal });

  const rows = results.map(({ name, requests: sent, statuses }) => [
    name,
    String(sent),
    Object.entries(statuses)
      .map(([status, count]) => `${status}: ${count}`)
      .join(', '),
  ]);
  say(table([['operation', 'requests', 'answers by status'], ...rows]));
  const faults: string[] = results.flatMap(({ name, failure }) =>
    failure === null ? [] : [`${name} (smallest example)\n    ${failure}`],
  );
  const carriedOut = ({ statuses }: (typeof results)[number]): boolean =>
    Object.keys(statuses).some((status) => status.startsWith('2'));
  for (const one of results)
    if (one.isOperation && !carriedOut(one))
      faults.push(`${one.name}: never carried out, so its answers were not seen`);
  const sent = results.reduce((sum, one) => sum + one.requests, 0);
  if (sent < requests) faults.push(`only ${sent} requests`);
  faults.push(...system.unexpectedEnds());
  const after = await endOf(await client.execute({ namespaces: 'after-the-fuzz' }));
  if (after !== 'completed') faults.push(`the sync afterwards ended as ${after}`);
  if (faults.length > 0) system.keep();
  for (const fault of faults) say(`FAIL ${fault}`);
  say(`${faults.length === 0 ? 'PASS' : 'FAIL'}: ${sent} requests, ${faults.length} faults, ${elapsed(startedAt)}`);
  return faults.length === 0;
}
