import { setTimeout as delay } from 'node:timers/promises';
import { countPerSpan, judgeRate, mostInAnySpan, utilisationOf } from './arrivals.ts';
import type { Limit } from './arrivals.ts';
import { elapsed, percent, seconds, table } from './report.ts';
import { copyOf, readyPid, strike } from './strike.ts';
import { startSystem } from './system.ts';
import type { System } from './system.ts';

export interface RatesOptions {
  readonly seed: number;
  /** Spans of Smartlead's limit (60 s each) over which the use of both limits is measured. */
  readonly spans: number;
  readonly latencyMs: number;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

const platforms = ['smartlead', 'lemlist'] as const;
type PlatformName = (typeof platforms)[number];

/** As published (fact sheets of Smartlead, section 3, and Lemlist, section 3). */
const limits: Readonly<Record<PlatformName, Limit & { readonly text: string }>> = {
  smartlead: { text: '60/60s', count: 60, spanMs: 60_000 },
  lemlist: { text: '20/2s', count: 20, spanMs: 2_000 },
};
const longestSpanMs = 60_000;
/** Restarts of the second phase, one after another: who, and by what. */
const restarts: readonly (readonly { readonly copy: number; readonly signal: NodeJS.Signals }[])[] = [
  [{ copy: 1, signal: 'SIGKILL' }],
  [{ copy: 2, signal: 'SIGKILL' }],
  [{ copy: 1, signal: 'SIGTERM' }],
  [
    { copy: 1, signal: 'SIGKILL' },
    { copy: 2, signal: 'SIGKILL' },
  ],
];
/** Between two restarts: arrivals of either life fall into one span. */
const betweenRestartsMs = 12_000;
/** The second phase with the watch after it, generously. */
const secondPhaseMs = 180_000;

/**
 * A full sync by two extractors at the published limits. First their use is measured without disturbance, then extractors are
 * killed and restarted. Resolves to true when no span of any position ever held more requests than allowed, none was
 * refused, and at least 95 % of each limit was used while there was work.
 */
export async function drillRates(options: RatesOptions): Promise<boolean> {
  const { seed, spans, latencyMs, say, signal } = options;
  const startedAt = performance.now();
  const firstPhaseMs = spans * longestSpanMs;
  say(
    `drill rates: Smartlead ${limits.smartlead.text}, Lemlist ${limits.lemlist.text}, two extractors; --seed ${seed}`,
  );
  await using system = await startSystem({
    seed,
    size: sizeFor(firstPhaseMs + secondPhaseMs),
    limits: { smartlead: limits.smartlead.text, lemlist: limits.lemlist.text },
    latencyMs,
    copies: { extractor: 2 },
    say,
    signal,
  });
  say(
    `${elapsed(startedAt)} stack and services are ready; the simulators enforce the same limits and answer after ${latencyMs} ms`,
  );
  const jobId = await system.client.execute({ namespaces: ['drill'] });
  const fromMs = await firstWork(system, signal);
  say(`${elapsed(startedAt)} ${jobId} reads; its use of the limits is measured for ${spans} × 60 s`);
  await delay(firstPhaseMs, undefined, { signal });
  const problems: string[] = [...(await lackOfWork(system, jobId))];

  await restartExtractors(system, jobId, { say: (line) => say(`${elapsed(startedAt)} ${line}`), signal });
  await delay(longestSpanMs, undefined, { signal });
  problems.push(...(await lackOfWork(system, jobId)));

  const rows: string[][] = [
    ['', 'limit', 'requests', 'spans', 'used', 'least in one', 'most in any span', 'refused', 'used, restarts'],
  ];
  for (const platform of platforms) {
    const limit = limits[platform];
    const arrivals = await readArrivals(system, platform);
    const times = arrivals.map(({ at }) => at);
    const refused = arrivals.filter(({ accepted }) => !accepted).length;
    const phase = { fromMs, spanMs: limit.spanMs, spans: Math.floor(firstPhaseMs / limit.spanMs) };
    const utilisation = utilisationOf(countPerSpan(times, phase), limit);
    const most = mostInAnySpan(times, limit.spanMs);
    problems.push(...judgeRate({ platform, limit, utilisation, mostInAnySpan: most, refused }));
    const after = { ...phase, fromMs: fromMs + firstPhaseMs };
    const lastMs = Math.max(...times);
    const afterSpans = Math.floor((lastMs - after.fromMs) / limit.spanMs);
    const disturbed = utilisationOf(countPerSpan(times, { ...after, spans: afterSpans }), limit);
    rows.push([
      platform,
      limit.text,
      String(times.length),
      String(utilisation.spans),
      percent(utilisation.share),
      String(utilisation.fewest),
      String(most),
      String(refused),
      percent(disturbed.share),
    ]);
  }
  say('');
  say(table(rows));
  for (const problem of problems) say(`FAIL ${problem}`);
  if (problems.length > 0) system.keep();
  const verdict = problems.length === 0 ? 'PASS: both limits kept and used' : `FAIL: ${problems.length} problems`;
  say(`${verdict}; simulators' latency ${latencyMs} ms, ${elapsed(startedAt)} min, --seed ${seed}`);
  return problems.length === 0;
}

/** Accounts with more requests in them than the limits let through in `ms`. */
function sizeFor(ms: number): Parameters<typeof startSystem>[0]['size'] {
  const smartlead = Math.ceil((ms / limits.smartlead.spanMs) * limits.smartlead.count);
  const lemlist = Math.ceil((ms / limits.lemlist.spanMs) * limits.lemlist.count);
  // Most campaigns fit on a page; what a thousand of them lack, rows make up for with pages of 1,000.
  const campaigns = Math.min(1_000, smartlead);
  return {
    smartlead: { campaigns, rows: 20_000 + (smartlead - campaigns) * 1_000 },
    lemlist: { campaigns: 20, activities: lemlist * 100 },
  };
}

interface Arrival {
  readonly at: number;
  readonly accepted: boolean;
}

async function readArrivals({ controlUrl }: System, platform: PlatformName): Promise<readonly Arrival[]> {
  const answer = await fetch(`${controlUrl}/arrivals?platform=${platform}`);
  if (!answer.ok) throw new Error(`the simulators' arrivals answered ${answer.status}`);
  return ((await answer.json()) as { readonly arrivals: readonly Arrival[] }).arrivals;
}

/** Waits until the walks have begun on both platforms; the moment, on the simulators' clock. */
async function firstWork(system: System, signal: AbortSignal): Promise<number> {
  const endsAt = performance.now() + 60_000;
  for (;;) {
    const seen = await Promise.all(platforms.map((platform) => readArrivals(system, platform)));
    if (seen.every((arrivals) => arrivals.length >= 5))
      return Math.max(...seen.flatMap((arrivals) => arrivals.map(({ at }) => at)));
    if (performance.now() > endsAt) throw new Error('the simulators saw no requests for a minute');
    await delay(250, undefined, { signal });
  }
}

/** The accounts that had nothing left to read: what they used of their limit would say nothing. */
async function lackOfWork({ pool }: System, jobId: string): Promise<readonly string[]> {
  const { rows } = await pool.query<{ platform: string; pending: number }>(
    `select platform, (count(*) filter (where status = 'pending'))::float8 as pending
     from streams where job_id = $1 group by platform`,
    [jobId],
  );
  const pending = new Map(rows.map((row) => [row.platform, row.pending]));
  return platforms.flatMap((platform) =>
    (pending.get(platform) ?? 0) > 0 ? [] : [`${platform}: the work ran out before the measurement ended`],
  );
}

async function restartExtractors(
  system: System,
  jobId: string,
  { say, signal }: { readonly say: (line: string) => void; readonly signal: AbortSignal },
): Promise<void> {
  for (const group of restarts) {
    const hits = new Map<number, number>();
    for (const { copy, signal: how } of group) {
      const pid = await until(() => strike(system, jobId, { name: 'extractor', copy, signal: how }), signal);
      hits.set(copy, pid);
    }
    const at = performance.now();
    for (const [copy, hit] of hits) {
      const isBack = async (): Promise<number | null> => {
        const pid = await readyPid(copyOf(system, 'extractor', copy));
        return pid === hit ? null : pid;
      };
      await until(isBack, signal);
    }
    const what = group.map(({ copy, signal: how }) => `extractor ${copy} ${how}`).join(', ');
    say(`${what}: ready again after ${seconds(performance.now() - at)}`);
    await delay(betweenRestartsMs, undefined, { signal });
  }
}

/** Looks until there is something; throws after a minute. */
async function until<T>(look: () => Promise<T | null>, signal: AbortSignal): Promise<T> {
  const endsAt = performance.now() + 60_000;
  for (;;) {
    const seen = await look();
    if (seen !== null) return seen;
    if (performance.now() > endsAt) throw new Error('an extractor was not ready for a minute');
    await delay(100, undefined, { signal });
  }
}
