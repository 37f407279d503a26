import type { Database } from '@full-sync/database';
import type { Clock, Health, Logger, Registry } from '@full-sync/runtime';
import type { Access } from './access.ts';
import type { ApiConfig } from './config.ts';

/** What the endpoints are built on. */
export interface ApiContext {
  readonly config: ApiConfig;
  readonly db: Database;
  readonly access: Access;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly health: Health;
  readonly metrics: Registry;
}
