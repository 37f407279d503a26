import type { ClaimedStream, Database, NewStream, Permit } from '@full-sync/database';
import type { Clock, Logger } from '@full-sync/runtime';
import type { ByteShare } from './byte-budget.ts';
import type { Failure, Verdict } from './domain/failures.ts';
import type { LookBack } from './domain/reach.ts';
import type { ExtractorMetrics } from './metrics.ts';
import type { Publisher } from './publisher.ts';
import type { RateWatch } from './rate-watch.ts';
import type { RawCodec } from './read-rows.ts';
import type { Upstream } from './upstreams.ts';
import type { CursorNews, OpenWalk, PageResult, Rest } from './walk-pages.ts';

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

/** What the chunk has settled so far. */
export interface Tally {
  pages: number;
  records: number;
  bytes: number;
  readonly targets: Map<number, number>;
  readonly newStreams: NewStream[];
  readonly warnings: string[];
  cursor: CursorNews | null;
}

/** One claimed chunk in work. */
export interface Chunk {
  readonly tools: ChunkTools;
  readonly upstream: Upstream;
  readonly stream: ClaimedStream;
  readonly permit: Permit;
  readonly walk: OpenWalk;
  readonly tally: Tally;
  readonly rate: RateWatch;
  readonly share: ByteShare;
}

export type Page = Extract<PageResult, { readonly kind: 'page' }>;

export type FailedPage = Failure | Extract<PageResult, { readonly kind: 'broken' }>;

/** How the pages of a chunk came to an end. */
export type Ending =
  | { readonly kind: 'open' | 'done' }
  | { readonly kind: 'rest'; readonly rest: Rest }
  | { readonly kind: 'failed-page'; readonly verdict: Verdict }
  | { readonly kind: 'broker' }
  | { readonly kind: 'unused' };
