import type { Database } from '@full-sync/database';
import type { Clock, Health, Logger, NamespaceMap, Registry } from '@full-sync/runtime';
import type { Access } from './access.ts';
import type { ApiConfig } from './config.ts';
import type { Keyers } from './keyers.ts';
import type { LetterReader } from './letter-reader.ts';

/** What the endpoints are built on. */
export interface ApiContext {
  readonly config: ApiConfig;
  /** What NAMESPACES_FILE says; null = there is none. */
  readonly namespaces: NamespaceMap | null;
  readonly db: Database;
  readonly access: Access;
  readonly letters: LetterReader;
  readonly keyers: Keyers;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly health: Health;
  readonly metrics: Registry;
}
