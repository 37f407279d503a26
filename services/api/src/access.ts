import { findApiKey } from '@full-sync/database';
import type { CheckedApiKey, Database } from '@full-sync/database';
import { ConfigurationError } from '@full-sync/runtime';
import type { Clock } from '@full-sync/runtime';
import { isLoopbackHost } from './loopback.ts';

/** Whether the API is open or asks for keys. Postgres knows; nothing is remembered but the mode that was seen last. */
export interface Access {
  /** No key was ever made, when this process last looked. */
  readonly isOpen: () => boolean;
  /** True when the server listens where only this machine reaches it: the one place where it may be open. */
  readonly onLoopback: boolean;
  /** Looks the key of this id up (null: the mode alone), so that a key made or revoked a moment ago counts. */
  readonly look: (keyId: string | null) => Promise<{ readonly open: boolean; readonly key: CheckedApiKey | null }>;
  /** Sees to it that the mode seen last is at most a second old the next time; for routes that must not wait. */
  readonly refresh: () => void;
}

const refreshEveryMs = 1_000;

/**
 * Reads the mode at start.
 *
 * @throws ConfigurationError when the server would be open to other machines.
 */
export async function openAccess(settings: {
  readonly db: Database;
  readonly clock: Clock;
  readonly host: string;
}): Promise<Access> {
  const { db, clock, host } = settings;
  const onLoopback = isLoopbackHost(host);
  let open = false;
  let lookedAtMs = 0;
  const look: Access['look'] = async (keyId) => {
    const { anyKey, key } = await findApiKey(db.pool, keyId);
    open = !anyKey;
    lookedAtMs = clock.now();
    return { open, key };
  };
  await look(null);
  if (open && !onLoopback) {
    throw new ConfigurationError(
      [
        {
          name: 'API_HOST',
          message: `expected a loopback address (127.0.0.1, ::1 or localhost), because no API key exists; got ${JSON.stringify(host)}`,
        },
      ],
      { hint: 'Make a key first: npm run cli -- keys create --name first --scopes admin (needs DATABASE_URL).' },
    );
  }
  return {
    isOpen: () => open,
    onLoopback,
    look,
    refresh: () => {
      if (clock.now() - lookedAtMs < refreshEveryMs) return;
      lookedAtMs = clock.now();
      // A database that does not answer is told to whoever needs it; until then the mode seen last holds.
      look(null).catch(() => undefined);
    },
  };
}
