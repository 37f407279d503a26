import { claimStream, sweepPermits } from '@full-sync/database';
import type { Claim } from '@full-sync/database';
import type { ByteBudget, ByteShare } from './byte-budget.ts';
import { extractChunk } from './extract-chunk.ts';
import type { ChunkTools } from './chunk.ts';
import { leaseMs } from './lease.ts';
import type { WaitReason } from './metrics.ts';
import { pause } from './pause.ts';
import type { Pressure } from './pressure.ts';
import { createRateWatch } from './rate-watch.ts';
import { requestTimeoutMs } from './upstreams.ts';
import type { Upstream } from './upstreams.ts';

export interface ClaimLoop {
  readonly tools: ChunkTools;
  readonly upstream: Upstream;
  /** Names this process in the leases it holds. */
  readonly owner: string;
  readonly bytes: ByteBudget;
  readonly pressure: Pressure;
  readonly onBeat: () => void;
  readonly onFailure: (error: unknown) => void;
}

/** Between two looks for work, ms; the end of a chunk of this process is a reason to look at once. */
const idleMs = 250;
/** A slot is asked for again when it is this far away, and no later than this from now, ms. */
const askAheadMs = 150;
const longestWaitMs = 1_000;
const sweepEveryMs = 30_000;

/** What a page of each platform is expected to hold once it is stripped, bytes. */
const pageBytes = { smartlead: 1_500_000, lemlist: 400_000 } as const;
/** The bodies of a full statistics page, where they are kept. */
const bodyBytes = 10_000_000;

/**
 * Claims streams of one account for as long as the process runs, and works on each of them beside the others. Ends when
 * `signal` is aborted and all that it began is settled.
 */
export async function claimStreams(loop: ClaimLoop, signal: AbortSignal): Promise<void> {
  const { tools, upstream, bytes, pressure } = loop;
  const { accountId, platform } = upstream;
  const rate = createRateWatch({
    database: tools.database,
    accountId,
    limit: upstream.limit,
    onFailure: loop.onFailure,
  });
  const expected = pageBytes[platform] + (tools.storeMessageBodies ? bodyBytes : 0);
  const running = new Set<Promise<void>>();
  let wake = Promise.withResolvers<void>();
  let sweptAt = performance.now();

  const work = async (claim: Extract<Claim, { readonly kind: 'claimed' }>, share: ByteShare): Promise<void> => {
    tools.metrics.chunksInFlight.add({ platform }, 1);
    const endTimer = tools.metrics.chunkSeconds.startTimer({ platform });
    try {
      const outcome = await extractChunk(tools, upstream, claim, rate, share);
      tools.metrics.chunks.inc({ platform, outcome });
      if (outcome === 'committed') endTimer();
    } catch (error) {
      loop.onFailure(error);
    } finally {
      tools.metrics.chunksInFlight.add({ platform }, -1);
      share[Symbol.dispose]();
      wake.resolve();
    }
  };

  while (!signal.aborted) {
    loop.onBeat();
    if (performance.now() - sweptAt > sweepEveryMs) {
      sweptAt = performance.now();
      await sweepPermits(tools.database.pool, accountId, longestSpan(upstream));
    }
    const heldBack = pressure.held();
    const share = heldBack ? null : bytes.tryReserve(expected);
    const claim: Claim =
      share === null
        ? { kind: 'nothing' }
        : await claimStream(tools.database, { accountId, owner: loop.owner, leaseMs, requestTimeoutMs });
    if (claim.kind === 'claimed' && share !== null) {
      const chunk = work(claim, share).finally(() => running.delete(chunk));
      running.add(chunk);
      continue;
    }
    share?.[Symbol.dispose]();
    const waitingSince = performance.now();
    if (claim.kind === 'wait' && claim.for === 'slot') {
      await pause(Math.min(longestWaitMs, Math.max(5, claim.waitMs - askAheadMs)), signal);
    } else {
      const idle = claim.kind === 'wait' ? Math.min(idleMs, Math.max(5, claim.waitMs)) : idleMs;
      await Promise.race([pause(idle, signal), wake.promise]);
      wake = Promise.withResolvers<void>();
    }
    const reason = heldBack ? 'downstream' : share === null ? 'memory' : waitReasonOf(claim);
    tools.metrics.noteWait(platform, reason, performance.now() - waitingSince);
  }
  await Promise.all(running);
}

function waitReasonOf(claim: Claim): WaitReason {
  if (claim.kind !== 'wait') return 'no_work';
  return claim.for === 'slot' ? 'rate_limit' : 'job_pace';
}

function longestSpan({ limit }: Upstream): number {
  return limit === 'off' ? 0 : Math.max(...limit.map(({ spanMs }) => spanMs));
}
