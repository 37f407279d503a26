import { commitChunk, noteRefusal, readCursors, returnUnused, settlePermit, voidPermit } from '@full-sync/database';
import type { ChunkProgress, ChunkTarget, ClaimedStream, Database, NewStream, Permit } from '@full-sync/database';
import { outcomeOfBodyError } from '@full-sync/http-client';
import type { HttpOutcome } from '@full-sync/http-client';
import { ProducerDeadError } from '@full-sync/kafka';
import type { Clock, Logger } from '@full-sync/runtime';
import { rawTopic } from '@full-sync/schemas';
import type { ByteShare } from './byte-budget.ts';
import { judgeFailure } from './domain/failures.ts';
import type { Failure, Verdict } from './domain/failures.ts';
import type { LookBack } from './domain/reach.ts';
import { holdLease, LeaseLostError } from './lease.ts';
import type { ExtractorMetrics } from './metrics.ts';
import type { Publisher } from './publisher.ts';
import type { RateWatch } from './rate-watch.ts';
import type { RawCodec, RowReader } from './read-rows.ts';
import { waitForSlot } from './slot-timer.ts';
import type { Upstream } from './upstreams.ts';
import type { CursorNews, OpenWalk, PageResult, Rest } from './walk-pages.ts';
import { openWalk } from './walks.ts';

/** What chunks of all accounts are worked on with. */
export interface ChunkTools {
  readonly database: Database;
  readonly publisher: Publisher;
  readonly codec: (platform: Upstream['platform']) => RawCodec;
  readonly topicId: (topic: string) => string;
  readonly metrics: ExtractorMetrics;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly storeMessageBodies: boolean;
  readonly lookBack: LookBack;
  readonly random: () => number;
  /** Aborted when no new request may begin. */
  readonly stopping: AbortSignal;
  /** Aborted when what is under way has to be let go. */
  readonly cutOff: AbortSignal;
}

/** A chunk without limits ends at whichever bound it reaches first: a lone stream is not held up by commits. */
const maxPages = 10;
const maxChunkMs = 1_000;
const maxChunkBytes = 4_194_304;
/** A broker that did not acknowledge is given this long before the chunk is tried again. */
const brokerWaitMs = 1_000;

/** What the chunk has settled so far. */
interface Tally {
  pages: number;
  records: number;
  bytes: number;
  readonly targets: Map<number, number>;
  readonly newStreams: NewStream[];
  readonly warnings: string[];
  cursor: CursorNews | null;
}

type Ending =
  | { readonly kind: 'open' | 'done' }
  | { readonly kind: 'rest'; readonly rest: Rest }
  | { readonly kind: 'failed-page'; readonly verdict: Verdict }
  | { readonly kind: 'broker' }
  | { readonly kind: 'unused' };

/**
 * Works on one claimed chunk: waits for its slot, fetches a page (without limits a few), publishes the raw records, and
 * commits continuation, counts and offsets in one transaction (I1). A stream whose lease is lost is left as it is.
 *
 * @throws whatever the database throws: the process ends, and the lease runs out.
 */
export async function extractChunk(
  tools: ChunkTools,
  upstream: Upstream,
  claim: { readonly stream: ClaimedStream; readonly permit: Permit },
  rate: RateWatch,
  share: ByteShare,
): Promise<'committed' | 'stale' | 'unused' | 'failed'> {
  const { stream, permit } = claim;
  using lease = holdLease(tools.database, stream);
  const cursors = stream.kind === 'discover' ? await readCursors(tools.database.pool, stream) : new Map();
  const walk = openWalk({ stream, cursors, lookBack: tools.lookBack, limited: permit.permitId !== null });
  const tally: Tally = {
    pages: 0,
    records: 0,
    bytes: 0,
    targets: new Map(),
    newStreams: [],
    warnings: [],
    cursor: null,
  };
  const chunk = { tools, upstream, stream, permit, walk, tally, rate, share };
  const signal = AbortSignal.any([lease.signal, tools.cutOff]);
  let ending: Ending;
  try {
    ending = await readPages(chunk, signal);
  } catch (error) {
    if (error instanceof ProducerDeadError) ending = { kind: 'broker' };
    else if (tools.cutOff.aborted && error === tools.cutOff.reason) ending = { kind: 'open' };
    else if (error instanceof LeaseLostError) return 'stale';
    else throw error;
  }
  if (ending.kind === 'unused') {
    tools.metrics.permitsVoid.inc({ platform: upstream.platform });
    await returnUnused(tools.database.pool, { ...stream, permitId: permit.permitId });
    return 'unused';
  }
  return await settle(chunk, ending);
}

interface Chunk {
  readonly tools: ChunkTools;
  readonly upstream: Upstream;
  readonly stream: ClaimedStream;
  readonly permit: Permit;
  readonly walk: OpenWalk;
  readonly tally: Tally;
  readonly rate: RateWatch;
  readonly share: ByteShare;
}

async function readPages(chunk: Chunk, signal: AbortSignal): Promise<Ending> {
  const { tools, stream, permit, tally } = chunk;
  const beganAt = performance.now();
  if (!(await waitForSlot(permit, tools.stopping))) return { kind: 'unused' };
  for (;;) {
    const page = await readOn(chunk, signal);
    if (page.kind === 'failed-page') return page;
    await publishPage(chunk, page);
    if (page.done) return { kind: 'done' };
    if (page.rest !== null) return { kind: 'rest', rest: page.rest };
    const full =
      permit.permitId !== null ||
      stream.job.paced ||
      tally.pages >= maxPages ||
      tally.bytes >= maxChunkBytes ||
      performance.now() - beganAt >= maxChunkMs;
    if (full || tools.stopping.aborted) return { kind: 'open' };
  }
}

type Page = Extract<PageResult, { readonly kind: 'page' }>;
type FailedPage = Failure | Extract<PageResult, { readonly kind: 'broken' }>;

/** The walk's next page; where it can do without one that is refused for good, what stands in for it. */
async function readOn(
  chunk: Chunk,
  signal: AbortSignal,
): Promise<Page | Extract<Ending, { readonly kind: 'failed-page' }>> {
  const ownLimit = chunk.walk.request().ownLimit === true;
  const page = await fetchPage(chunk, signal);
  if (page.kind === 'page') return page;
  const verdict = await judge(chunk, page, ownLimit);
  const hopeless = verdict.kind === 'failed' || verdict.kind === 'skipped';
  const refused = page.kind === 'refused' && page.code === 'UPSTREAM_UNAUTHORIZED';
  const instead = hopeless && !refused && 'detail' in page ? chunk.walk.doWithout?.(page.detail) : null;
  return instead?.kind === 'page' ? instead : { kind: 'failed-page', verdict };
}

/** One request, settled as soon as its headers are there, and its page; failures are values. */
async function fetchPage(chunk: Chunk, signal: AbortSignal): Promise<Page | FailedPage> {
  const { tools, upstream, permit, walk, rate } = chunk;
  const { route, query } = walk.request();
  let settling: Promise<void> | undefined;
  const settleNow = (): void => {
    if (permit.permitId === null || settling !== undefined) return;
    settling = settlePermit(tools.database.pool, permit.permitId);
    // Awaited below; until then its failure must not count as unhandled.
    settling.catch(() => undefined);
  };
  try {
    const outcome = await upstream.http.get(route, query, {
      signal,
      onHeaders: (_status, said) => {
        settleNow();
        rate.note(said);
      },
    });
    if (outcome.kind === 'circuit-open') {
      if (permit.permitId !== null) settling = voidPermit(tools.database.pool, permit.permitId);
      return outcome;
    }
    settleNow();
    if (outcome.kind !== 'ok') return outcome;
    return await readPage(chunk, outcome);
  } finally {
    await settling;
  }
}

async function readPage(
  { tools, upstream, stream, walk, tally, share }: Chunk,
  outcome: Extract<HttpOutcome, { readonly kind: 'ok' }>,
): Promise<PageResult | Failure> {
  const { platform } = upstream;
  const before = tally.bytes;
  const reader: RowReader = {
    platform,
    codec: tools.codec(platform),
    storeMessageBodies: tools.storeMessageBodies,
    common: {
      job_id: stream.jobId,
      stream_id: stream.streamId,
      chunk: stream.chunksCommitted,
      namespace: stream.namespace,
      platform,
      source: stream.kind,
      campaign_id: stream.campaignId,
      campaign_name: stream.campaignName,
    },
    now: () => tools.clock.now(),
    onBytes: (bytes) => {
      tally.bytes = before + bytes;
      share.grow(bytes);
    },
  };
  try {
    return await walk.read(outcome.body, reader);
  } catch (error) {
    const failure = outcomeOfBodyError(error);
    if (failure === undefined) throw error;
    return failure;
  } finally {
    outcome.discard();
  }
}

async function publishPage({ tools, upstream, stream, tally }: Chunk, page: Page): Promise<void> {
  const { platform } = upstream;
  const { metrics, publisher } = tools;
  await publisher.bury(stream, page.unfit, tools.clock.now());
  const reached = await publisher.publish(rawTopic(platform), page.records, stream.job.batchSize);
  for (const { partition, lastOffset } of reached) {
    tally.targets.set(partition, Math.max(lastOffset, tally.targets.get(partition) ?? 0));
  }
  tally.pages += 1;
  tally.records += page.records.length + page.unfit.length;
  tally.newStreams.push(...page.newStreams);
  if (page.warning !== null) tally.warnings.push(page.warning);
  tally.cursor = page.cursor ?? tally.cursor;
  metrics.records.inc({ platform }, page.records.length);
  metrics.oversized.inc({ platform }, page.unfit.length);
  metrics.dropped.inc({ platform }, page.dropped);
  if (page.event !== null) metrics.windows.inc({ platform, event: page.event });
}

/**
 * What becomes of the stream after a page that failed; a refusal for too many requests holds back the whole account, but
 * for an endpoint with a limit of its own.
 */
async function judge(chunk: Chunk, page: FailedPage, ownLimit: boolean): Promise<Verdict> {
  const { tools, upstream, stream, permit, tally } = chunk;
  if (page.kind === 'broken') return { kind: 'failed', error: { code: 'UPSTREAM_UNSTABLE', message: page.message } };
  const attempt = tally.pages > 0 ? 0 : stream.attempt;
  const { retryAttempts } = stream.job;
  const verdict = judgeFailure(page, { ...stream, ...upstream, attempt, retryAttempts }, tools.random);
  if (verdict.kind === 'throttled' && !ownLimit) {
    tools.metrics.refusals.inc({ platform: upstream.platform });
    const { permitId } = permit;
    await noteRefusal(tools.database.pool, { accountId: upstream.accountId, permitId, pauseMs: verdict.waitMs });
  }
  return verdict;
}

async function settle(
  { tools, upstream, stream, walk, tally }: Chunk,
  ending: Exclude<Ending, { readonly kind: 'unused' }>,
): Promise<'committed' | 'stale' | 'failed'> {
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
  if (verdict?.kind === 'failed' || verdict?.kind === 'skipped') {
    const why = verdict.kind === 'failed' ? verdict.error : { code: 'CAMPAIGN_GONE', message: verdict.warning };
    const { streamId, jobId, kind, campaignId } = stream;
    tools.logger.warn({ jobId, streamId, kind, campaignId, ...why }, `stream ${verdict.kind}`);
  }
  return verdict === null ? 'committed' : 'failed';
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
