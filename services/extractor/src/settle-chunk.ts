import { commitChunk, noteRefusal } from '@full-sync/database';
import type { ChunkProgress, ChunkTarget, ClaimedStream } from '@full-sync/database';
import { rawTopic } from '@full-sync/schemas';
import type { Chunk, Ending, FailedPage } from './chunk.ts';
import { judgeFailure } from './domain/failures.ts';
import type { Verdict } from './domain/failures.ts';

/** A broker that did not acknowledge is given this long before the chunk is tried again. */
const brokerWaitMs = 1_000;

/**
 * What becomes of the stream after a page that failed; a refusal for too many requests holds back the whole account, but
 * for an endpoint with a limit of its own.
 */
export async function judgePage(chunk: Chunk, page: FailedPage, ownLimit: boolean): Promise<Verdict> {
  const { tools, upstream, stream, permit, tally, rate } = chunk;
  if (page.kind === 'broken') return { kind: 'failed', error: { code: 'UPSTREAM_UNSTABLE', message: page.message } };
  const attempt = tally.pages > 0 ? 0 : stream.attempt;
  const { retryAttempts } = stream.job;
  const verdict = judgeFailure(page, { ...stream, ...upstream, attempt, retryAttempts }, tools.random);
  if (verdict.kind === 'throttled' && !ownLimit) {
    rate.pause(verdict.waitMs);
    const { permitId } = permit;
    await noteRefusal(tools.database.pool, { accountId: upstream.accountId, permitId, pauseMs: verdict.waitMs });
  }
  return verdict;
}

/** Commits what the chunk has done, and decides what becomes of its stream. */
export async function settleChunk(
  { tools, upstream, stream, walk, tally }: Chunk,
  ending: Exclude<Ending, { readonly kind: 'unused' }>,
): Promise<'committed' | 'stale' | 'page-failed'> {
  const topic = rawTopic(upstream.platform);
  const targets = [...tally.targets].map(([partition, lastOffset]): ChunkTarget => ({
    topic,
    topicId: tools.topicId(topic),
    partition,
    lastOffset,
  }));
  const progress: ChunkProgress | null =
    tally.pages === 0
      ? null
      : {
          continuation: walk.continuation(),
          records: tally.records,
          recordsExpected: walk.recordsExpected(stream.recordsCommitted + tally.records),
          shareDone: walk.shareDone(),
          targets,
          newStreams: tally.newStreams,
          cursor: tally.cursor,
        };
  const verdict = ending.kind === 'failed-page' ? ending.verdict : null;
  if (verdict?.kind === 'skipped') tally.warnings.push(verdict.warning);
  const result = await commitChunk(tools.database, {
    streamId: stream.streamId,
    epoch: stream.epoch,
    jobId: stream.jobId,
    progress: ending.kind === 'broker' ? null : progress,
    outcome: outcomeOf(ending, stream),
    warning: tally.warnings.length === 0 || ending.kind === 'broker' ? null : tally.warnings.join('; '),
    abandoned: ending.kind === 'broker',
  });
  if (result === 'stale') return 'stale';
  if (progress !== null && ending.kind !== 'broker') {
    tools.metrics.chunkRecords.observe({ platform: upstream.platform }, progress.records);
  }
  if (verdict?.kind === 'failed' || verdict?.kind === 'skipped') {
    const why = verdict.kind === 'failed' ? verdict.error : { code: 'CAMPAIGN_GONE', message: verdict.warning };
    const { streamId, jobId, kind, campaignId } = stream;
    tools.logger.warn({ jobId, streamId, kind, campaignId, ...why }, `stream ${verdict.kind}`);
  }
  return verdict === null ? 'committed' : 'page-failed';
}

function outcomeOf(ending: Exclude<Ending, { readonly kind: 'unused' }>, stream: ClaimedStream) {
  switch (ending.kind) {
    case 'open':
    case 'done':
      return { kind: ending.kind };
    case 'rest':
      return { kind: 'waiting', waitMs: ending.rest.ms, waitingFor: ending.rest.waitingFor, attempt: 0 } as const;
    case 'broker':
      return { kind: 'waiting', waitMs: brokerWaitMs, waitingFor: 'the broker', attempt: stream.attempt } as const;
    case 'failed-page':
      return ending.verdict.kind === 'throttled' ? ({ ...ending.verdict, kind: 'waiting' } as const) : ending.verdict;
  }
}
