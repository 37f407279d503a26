import type { Database, QueryMeter } from '@full-sync/database';
import type { MetricRegistry } from '@full-sync/metrics';
import type { Clock, Health, Logger, NamespaceMap, NamespaceMentions } from '@full-sync/runtime';
import type { Access } from './access.ts';
import type { ApiConfig } from './config.ts';
import type { Keyers } from './keyers.ts';
import type { LetterReader } from './letter-reader.ts';
import type { LagWatch } from './watch-lag.ts';
import type { StateWatch } from './watch-state.ts';

/** What the endpoints are built on. */
export interface ApiContext {
  readonly config: ApiConfig;
  /** What NAMESPACES_FILE says; null = there is none. */
  readonly namespaces: NamespaceMap | null;
  /** Which destinations that file names for which namespaces. */
  readonly mentions: NamespaceMentions;
  readonly db: Database;
  readonly queries: QueryMeter;
  readonly access: Access;
  readonly letters: LetterReader;
  readonly keyers: Keyers;
  readonly lag: LagWatch;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly health: Health;
  readonly state: StateWatch;
  readonly metrics: MetricRegistry;
}
