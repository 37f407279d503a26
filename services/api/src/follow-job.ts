import {
  endJob,
  markExtracted,
  markStarted,
  readJobFacts,
  saveProgress,
  startFailing,
  storeDeadLetterTargets,
  storeLoadTargets,
  ResetRefusedError,
  SwapBlockedError,
} from '@full-sync/database';
import type { Database, Ending, JobFacts } from '@full-sync/database';
import type { Offsets } from '@full-sync/kafka';
import type { Logger } from '@full-sync/runtime';
import { topicNames } from '@full-sync/schemas';
import { sum } from './domain/facts.ts';
import { deriveProgress } from './domain/progress.ts';
import { liveSummary } from './domain/summary.ts';
import { judgeJob } from './domain/verdict.ts';
import { endsOn, keyingLeft, passed, readEnds, recreatedTopic, topicsOf } from './follow-offsets.ts';
import type { OffsetLook } from './follow-offsets.ts';
import type { ApiMetrics } from './metrics.ts';
import type { ResetPreparer } from './prepare-resets.ts';

export interface FollowDeps {
  readonly db: Database;
  readonly offsets: Offsets;
  readonly logger: Logger;
  readonly metrics: ApiMetrics;
  readonly resets: ResetPreparer;
}

const topicRecreated = 'TOPIC_RECREATED';
/** More transitions than a job can make in one look. */
const maxSteps = 8;

/**
 * Looks at one job: takes every step that committed state allows (I9), then stores what users are shown. Each step is a
 * conditional update, so any number of copies may do this at once. `checkTopics` = the topics' ids are compared, too.
 */
export async function followJob(
  deps: FollowDeps,
  jobId: string,
  look: OffsetLook,
  checkTopics: boolean,
): Promise<void> {
  for (let step = 0; step < maxSteps; step += 1) {
    const facts = await readJobFacts(deps.db.pool, jobId);
    if (facts === null) return;
    // First, because the offsets of a topic that is gone cannot even be asked for.
    if (checkTopics && step === 0 && (await failIfRecreated(deps, facts))) continue;
    const left = isTopicRecreated(facts) ? 0 : await keyingLeft(facts.rawTargets, look);
    if (await advance(deps, facts, left)) continue;
    await showProgress(deps, facts, left);
    return;
  }
}

/** Takes at most one step; true when one was taken and the facts are to be read again. */
async function advance(deps: FollowDeps, facts: JobFacts, left: number): Promise<boolean> {
  const { db } = deps;
  if (facts.status === 'queued' && facts.walks.some((walk) => walk.chunksCommitted > 0 || walk.liveLeases > 0)) {
    await markStarted(db.pool, facts.jobId);
    return true;
  }
  if (!facts.extracted) {
    return extractionMayHaveEnded(facts) && (await markExtracted(db, facts.jobId));
  }
  if (isTopicRecreated(facts)) return await finish(deps, facts);
  if (facts.loadTargets === null) return left === 0 && (await keyed(deps, facts));
  if (!facts.loaded) return passed(facts.loadTargets, facts.eventPositions) && (await loaded(deps, facts));
  return passed(facts.deadLetterTargets ?? {}, facts.deadLetterPositions) && (await finish(deps, facts));
}

/** Whether it is worth taking the locks that tell for certain. */
function extractionMayHaveEnded(facts: JobFacts): boolean {
  if (sum(facts.walks, (walk) => walk.liveLeases) > 0) return false;
  if (facts.ending !== null) return true;
  return facts.walks.every((walk) => walk.walksPending === 0 && walk.discoveriesPending === 0);
}

/** Keying has passed all raw targets: what it made of them lies below the ends of the events topic now. */
async function keyed(deps: FollowDeps, facts: JobFacts): Promise<boolean> {
  if (await failIfRecreated(deps, facts)) return true;
  const events = await readEnds(deps.offsets, topicNames.events);
  if (events === null) return false;
  const partitions = facts.rawTargets.map((target) => target.partition);
  const offsets = endsOn(partitions, events.ends);
  await storeLoadTargets(deps.db.pool, facts.jobId, { topicId: events.topicId, offsets });
  return true;
}

/** All events are settled: the letters about them, and about the records before, lie below the ends of that topic now. */
async function loaded(deps: FollowDeps, facts: JobFacts): Promise<boolean> {
  const letters = await readEnds(deps.offsets, topicNames.deadLetters);
  if (letters === null) return false;
  const offsets = endsOn(letters.ends.keys(), letters.ends);
  await storeDeadLetterTargets(deps.db.pool, facts.jobId, { topicId: letters.topicId, offsets });
  return true;
}

async function finish(deps: FollowDeps, facts: JobFacts): Promise<boolean> {
  // Paused is paused: it ends when it is resumed or cancelled.
  if (facts.status === 'paused') return false;
  try {
    if (facts.ending === null && facts.error === null && !(await deps.resets.prepared(facts.jobId))) return false;
    const ending = await endJob(deps.db, facts.jobId, judgeJob, deps.resets.patienceMs(facts.jobId));
    if (ending === null) return false;
    deps.resets.ended(facts.jobId);
    noteEnded(deps.metrics, facts, ending);
    deps.logger.info({ jobId: facts.jobId, status: ending.status, error: ending.error }, 'job ended');
    return true;
  } catch (error) {
    if (error instanceof SwapBlockedError) {
      deps.resets.blocked(facts.jobId, error);
      return false;
    }
    if (!(error instanceof ResetRefusedError)) throw error;
    await startFailing(deps.db.pool, facts.jobId, {
      code: 'RESET_REFUSED',
      message: `The new content cannot take the place of the old one, which is kept: ${error.message}`,
      details: [],
    });
    return true;
  }
}

function noteEnded(metrics: ApiMetrics, { jobId, createdAtMs }: JobFacts, { status, summary }: Ending): void {
  const durationMs = Number(Reflect.get(summary, 'duration_ms'));
  metrics.jobsEnded.inc({ status });
  metrics.jobSeconds.observe({ status }, durationMs / 1_000);
  const error = metrics.etaErrors.ended(jobId, createdAtMs, createdAtMs + durationMs);
  if (status === 'completed' && error !== null) metrics.etaError.observe({ direction: error.direction }, error.ratio);
}

async function failIfRecreated(deps: FollowDeps, facts: JobFacts): Promise<boolean> {
  if (facts.error !== null) return false;
  const topic = recreatedTopic(facts, await deps.offsets.topicIds(topicsOf(facts)));
  if (topic === null) return false;
  await startFailing(deps.db.pool, facts.jobId, {
    code: topicRecreated,
    message: `The topic ${topic} was deleted or recreated while the job ran: what it held of the job is lost. Run the sync again.`,
    details: [],
  });
  return true;
}

async function showProgress(deps: FollowDeps, facts: JobFacts, left: number): Promise<void> {
  const derived = deriveProgress(facts, left);
  const progress = { ...derived, waiting_for: deps.resets.waitingFor(facts.jobId) ?? derived.waiting_for };
  // A job that is held has no end in sight.
  if (facts.status === 'in_progress' && facts.ending === null)
    deps.metrics.etaErrors.note(facts.jobId, facts.observedAtMs, derived.eta_minutes * 60_000);
  else deps.metrics.etaErrors.forget(facts.jobId);
  if (sameAsStored(facts.progress, progress)) return;
  await saveProgress(deps.db.pool, facts.jobId, {
    progress,
    summary: liveSummary(facts),
    observedAtMs: facts.observedAtMs,
  });
}

/** Writing a row four times a second that says what it says already would only make vacuum work. */
function sameAsStored(stored: unknown, progress: object): boolean {
  if (typeof stored !== 'object' || stored === null) return false;
  const before: Readonly<Record<string, unknown>> = { ...stored };
  return Object.entries(progress).every(([name, value]) => sameJson(before[name], value));
}

function sameJson(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null) return a === b;
  const other: Readonly<Record<string, unknown>> = { ...b };
  const entries = Object.entries(a);
  return entries.length === Object.keys(b).length && entries.every(([name, value]) => sameJson(value, other[name]));
}

/** Then nothing can be waited for any more: neither keying nor loading will pass targets in a topic that is gone. */
function isTopicRecreated({ error }: JobFacts): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === topicRecreated;
}
