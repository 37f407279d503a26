import { extractionShare, limitedForMs, platformExtraction } from './extraction.ts';
import type { PlatformExtraction } from './extraction.ts';
import { settledRecords, sum } from './facts.ts';
import type { JobProgressFacts } from './facts.ts';
import { readMarks, updateMarks, waitingFor } from './marks.ts';
import type { Marks } from './marks.ts';

export interface StageProgress {
  readonly done: number;
  readonly total: number;
}

/** What the follower stores in `jobs.progress`; `marks` is for itself and shown to nobody. */
export interface Progress {
  readonly percentage: number;
  readonly processed_items: number;
  readonly total_items: number;
  readonly current_stage: string;
  readonly eta_minutes: number;
  readonly stages: Readonly<Record<string, StageProgress>>;
  readonly waiting_for: string | null;
  readonly marks: Marks;
}

/** How much of the percentage is reading; the rest is getting what was read into the table. */
const readingWeight = 0.3;

/**
 * Derives what a user is shown of a job that has not ended, from one snapshot of committed state (I9). `keyingLeft` is
 * the number of raw offsets below the job's targets that the keyer has not committed: at least as many as records of
 * the job. The percentage is at most 99 (I10); that it never falls is settled where it is stored.
 */
export function deriveProgress(facts: JobProgressFacts, keyingLeft: number): Progress {
  const platforms = facts.platforms.map((platform) => platformExtraction(platform, facts));
  const committed = sum(platforms, (platform) => platform.committed);
  const processed = settledRecords(facts);
  const estimated = sum(platforms, (platform) => platform.total);
  const share = facts.extracted ? 1 : extractionShare(platforms);
  const settledShare = committed === 0 ? 1 : Math.min(1, processed / committed);
  const overall = share * (readingWeight + (1 - readingWeight) * settledShare);
  const keyed = Math.max(0, committed - keyingLeft);
  const total = Math.max(facts.extracted ? committed : estimated, committed, processed);
  const marks = updateMarks(readMarks(facts.progress), { facts, platforms, processed, keyed, keyingLeft });
  return {
    percentage: Math.max(0, Math.min(99, Math.floor(overall * 100))),
    processed_items: processed,
    total_items: total,
    current_stage: stageOf(facts, platforms, keyingLeft),
    eta_minutes: minutesLeft(facts, total - processed, marks),
    stages: stagesOf(facts, platforms, { committed, processed, keyed }),
    waiting_for: waitingFor(facts, marks),
    marks,
  };
}

function stageOf(facts: JobProgressFacts, platforms: readonly PlatformExtraction[], keyingLeft: number): string {
  if (facts.status !== 'in_progress') return facts.status;
  if (facts.ending !== null) return 'finalizing';
  if (!facts.extracted) {
    const busy = platforms.filter((platform) => platform.discovered && !platform.finished);
    const first = busy.toSorted((a, b) => b.weight * (1 - b.share) - a.weight * (1 - a.share))[0];
    if (first !== undefined) return processingStage(first.platform);
    if (platforms.some((platform) => !platform.discovered)) return 'discovering';
  }
  if (facts.loadTargets === null) return keyingLeft > 0 || !facts.extracted ? 'keying' : 'loading';
  return facts.loaded ? 'finalizing' : 'loading';
}

export function processingStage(platform: string): string {
  return `processing_${platform}_activities`;
}

function stagesOf(
  facts: JobProgressFacts,
  platforms: readonly PlatformExtraction[],
  records: { readonly committed: number; readonly processed: number; readonly keyed: number },
): Record<string, StageProgress> {
  const discoveries = sum(facts.walks, (walk) => walk.discoveries);
  const stages: Record<string, StageProgress> = {
    discovering: { done: discoveries - sum(facts.walks, (walk) => walk.discoveriesPending), total: discoveries },
  };
  for (const { platform, committed, total, finished } of platforms)
    stages[processingStage(platform)] = { done: committed, total: finished ? committed : total };
  const { committed, processed, keyed } = records;
  const loadTotal = Math.max(committed, processed);
  stages['keying'] = { done: Math.min(committed, Math.max(keyed, processed)), total: committed };
  stages['loading'] = { done: processed, total: loadTotal };
  stages['finalizing'] = { done: 0, total: 1 };
  return stages;
}

/** Minutes to the end by the binding stage, rounded up to a tenth: the rate limits while extracting, else throughput. */
function minutesLeft(facts: JobProgressFacts, itemsLeft: number, marks: Marks): number {
  const limitedMs = facts.extracted || facts.ending !== null ? 0 : limitedForMs(facts);
  const perSecond = marks.rate.perSecond;
  const settlingMs = perSecond > 0 ? (itemsLeft / perSecond) * 1000 : 0;
  // With limits off there is nothing but the throughput to go by.
  const leftMs = limitedMs > 1_000 && !facts.extracted ? limitedMs : Math.max(limitedMs, settlingMs);
  return Math.ceil(leftMs / 6_000) / 10;
}
