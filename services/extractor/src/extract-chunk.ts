import { readCursors, returnUnused } from '@full-sync/database';
import type { ClaimedStream, Permit } from '@full-sync/database';
import { ProducerDeadError } from '@full-sync/kafka';
import { rawTopic, writeWishes } from '@full-sync/schemas';
import type { ByteShare } from './byte-budget.ts';
import type { Chunk, ChunkTools, Ending, Page, Tally } from './chunk.ts';
import { fetchPage } from './fetch-page.ts';
import { holdLease, LeaseLostError } from './lease.ts';
import type { RateWatch } from './rate-watch.ts';
import { judgePage, settleChunk } from './settle-chunk.ts';
import { waitForSlot } from './slot-timer.ts';
import type { Upstream } from './upstreams.ts';
import { openWalk } from './walks.ts';

/** A chunk without limits ends at whichever bound it reaches first: a lone stream is not held up by commits. */
const maxPages = 10;
const maxChunkMs = 1_000;
const maxChunkBytes = 4_194_304;

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
): Promise<'committed' | 'stale' | 'unused' | 'page-failed'> {
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
  const chunk: Chunk = { tools, upstream, stream, permit, walk, tally, rate, share };
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
    await returnUnused(tools.database.pool, { ...stream, permitId: permit.permitId });
    return 'unused';
  }
  return await settleChunk(chunk, ending);
}

async function readPages(chunk: Chunk, signal: AbortSignal): Promise<Ending> {
  const { tools, stream, permit, tally, rate } = chunk;
  const beganAt = performance.now();
  if (!(await waitForSlot(permit, rate.paused, tools.stopping))) return { kind: 'unused' };
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

/** The walk's next page; where it can do without one that is refused for good, what stands in for it. */
async function readOn(
  chunk: Chunk,
  signal: AbortSignal,
): Promise<Page | Extract<Ending, { readonly kind: 'failed-page' }>> {
  const ownLimit = chunk.walk.request().ownLimit === true;
  const page = await fetchPage(chunk, signal);
  if (page.kind === 'page') return page;
  const verdict = await judgePage(chunk, page, ownLimit);
  const hopeless = verdict.kind === 'failed' || verdict.kind === 'skipped';
  const refused = page.kind === 'refused' && page.code === 'UPSTREAM_UNAUTHORIZED';
  const instead = hopeless && !refused && 'detail' in page ? chunk.walk.doWithout?.(page.detail) : null;
  return instead?.kind === 'page' ? instead : { kind: 'failed-page', verdict };
}

async function publishPage({ tools, upstream, stream, tally }: Chunk, page: Page): Promise<void> {
  const { platform } = upstream;
  const { metrics, publisher } = tools;
  await publisher.bury(stream, page.unfit, tools.clock.now());
  const headers = writeWishes({ destinations: stream.job.destinations, redrive: false });
  const records = headers === undefined ? page.records : page.records.map((record) => ({ ...record, headers }));
  const reached = await publisher.publish(rawTopic(platform), records, stream.job.batchSize);
  for (const { partition, lastOffset } of reached) {
    tally.targets.set(partition, Math.max(lastOffset, tally.targets.get(partition) ?? 0));
  }
  tally.pages += 1;
  tally.records += page.records.length + page.unfit.length;
  tally.newStreams.push(...page.newStreams);
  if (page.warning !== null) tally.warnings.push(page.warning);
  tally.cursor = page.cursor ?? tally.cursor;
  metrics.records.inc({ platform, outcome: 'published' }, page.records.length);
  metrics.records.inc({ platform, outcome: 'dead_lettered' }, page.unfit.length);
  metrics.records.inc({ platform, outcome: 'dropped' }, page.dropped);
  if (page.event !== null) metrics.windows.inc({ platform, event: page.event });
}
