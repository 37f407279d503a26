import { createHash } from 'node:crypto';
import type { RateLimit } from '@full-sync/runtime';
import type { Queryable } from './database.ts';

/**
 * The name of an upstream account in the database: SHA-256 over platform, address and key, so that the key itself is
 * never stored (I7). The same key at another address is another account.
 */
export function accountKeyHash(account: {
  readonly platform: string;
  readonly baseUrl: string;
  readonly apiKey: string;
}): Buffer {
  const { platform, baseUrl, apiKey } = account;
  return createHash('sha256')
    .update(JSON.stringify([platform, baseUrl.replace(/\/+$/, ''), apiKey]))
    .digest();
}

/**
 * The account's row, made when it is new; its label and configured limit become those given (null: limits are off).
 * Returns `account_id`.
 */
export async function ensureAccount(
  queryable: Queryable,
  account: {
    readonly platform: string;
    readonly keyHash: Buffer;
    readonly label: string;
    readonly configuredLimit: RateLimit | null;
  },
): Promise<number> {
  const limit = account.configuredLimit === null ? null : JSON.stringify(account.configuredLimit);
  // Rewritten only when something changed: the row is locked by every claim of a permit.
  const { rows } = await queryable.query<{ account_id: string }>(
    `insert into accounts as known (platform, key_hash, label, configured_limit) values ($1, $2, $3, $4::jsonb)
     on conflict (platform, key_hash) do update set label = excluded.label, configured_limit = excluded.configured_limit
       where (known.label, known.configured_limit) is distinct from (excluded.label, excluded.configured_limit)
     returning account_id`,
    [account.platform, account.keyHash, account.label, limit],
  );
  const written = rows[0]?.account_id;
  if (written !== undefined) return Number(written);
  const found = await queryable.query<{ account_id: string }>(
    'select account_id from accounts where platform = $1 and key_hash = $2',
    [account.platform, account.keyHash],
  );
  const known = found.rows[0]?.account_id;
  if (known === undefined) throw new Error(`the account ${account.label} vanished while it was looked up`);
  return Number(known);
}

/** What an account allows, and what its walks hold, as far as earlier jobs have found out. */
export interface AccountOutlook {
  readonly accountId: number;
  /** Null: limits are off. */
  readonly limit: RateLimit | null;
  /** The upstream's own word for the count of the first span. */
  readonly learnedCount: number | null;
  /** Jobs that have not ended. */
  readonly openJobs: number;
}

/** What the accounts allow now. */
export async function readAccounts(
  queryable: Queryable,
  accountIds: readonly number[],
): Promise<readonly AccountOutlook[]> {
  const { rows } = await queryable.query<AccountOutlook & { accountId: string; openJobs: string }>(
    `select account_id as "accountId", configured_limit as limit, learned_count as "learnedCount",
       (select count(*) from job_accounts o join jobs using (job_id)
        where o.account_id = accounts.account_id and completed_at is null) as "openJobs"
     from accounts where account_id = any($1)`,
    [accountIds],
  );
  return rows.map((row) => ({ ...row, accountId: Number(row.accountId), openJobs: Number(row.openJobs) }));
}
