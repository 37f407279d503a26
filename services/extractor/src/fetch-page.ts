import { settlePermit, voidPermit } from '@full-sync/database';
import { outcomeOfBodyError } from '@full-sync/http-client';
import type { HttpOutcome } from '@full-sync/http-client';
import type { Chunk, FailedPage, Page } from './chunk.ts';
import type { RowReader } from './read-rows.ts';

/** One request, settled as soon as its headers are there, and its page; failures are values. */
export async function fetchPage(chunk: Chunk, signal: AbortSignal): Promise<Page | FailedPage> {
  const { tools, upstream, permit, walk, rate } = chunk;
  const { route, query } = walk.request();
  let settling: Promise<void> | undefined;
  const settleNow = (): void => {
    const { permitId, offer } = permit;
    if (permitId === null || settling !== undefined) return;
    settling = settlePermit(tools.database.pool, { permitId, offer });
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
): Promise<Page | FailedPage> {
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
