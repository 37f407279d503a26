import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Queryable } from './database.ts';
import type { Scope } from './scopes.ts';

/** A key of the REST API without its secret. */
export interface ApiKey {
  readonly keyId: string;
  readonly name: string;
  /** As stored; one that this release does not know allows nothing. */
  readonly scopes: readonly string[];
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
  readonly lastUsedAt: Date | null;
}

/** A stored key as the API checks it. */
export interface CheckedApiKey extends ApiKey {
  readonly keyHash: Buffer;
  /** By the clock of the database: neither revoked nor expired. */
  readonly valid: boolean;
  /** Its last use was noted over a minute ago, or never. */
  readonly useIsOld: boolean;
}

/** `fsk_<id>_<secret>`: 12 characters that name the key, and 32 random bytes as base64url. */
const keyPattern = /^fsk_([0-9a-f]{12})_[A-Za-z0-9_-]{43}$/;
const lastUseEvery = '1 minute';

/** The id in the text of a key, or null for a text that is no key of ours. */
export function apiKeyIdOf(key: string): string | null {
  return keyPattern.exec(key)?.[1] ?? null;
}

/** Compares a key with the stored hash in constant time. */
export function apiKeyMatches(key: string, keyHash: Buffer): boolean {
  return timingSafeEqual(hashOf(key), keyHash);
}

function hashOf(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

/** Stores a new key and returns its text, which cannot be had again. It is valid at once, in every process. */
export async function createApiKey(
  queryable: Queryable,
  wanted: { readonly name: string; readonly scopes: readonly Scope[]; readonly expiresAt: Date | null },
): Promise<{ readonly key: string; readonly stored: ApiKey }> {
  const keyId = randomBytes(6).toString('hex');
  const key = `fsk_${keyId}_${randomBytes(32).toString('base64url')}`;
  const { rows } = await queryable.query<ApiKey>(
    `insert into api_keys (key_id, name, key_hash, scopes, expires_at) values ($1, $2, $3, $4, $5) returning ${columns}`,
    [keyId, wanted.name, hashOf(key), wanted.scopes, wanted.expiresAt],
  );
  const stored = rows[0];
  if (stored === undefined) throw new Error('the key was not stored');
  return { key, stored };
}

const columns = `key_id as "keyId", name, scopes, created_at as "createdAt", expires_at as "expiresAt",
  revoked_at as "revokedAt", last_used_at as "lastUsedAt"`;

/** All keys ever made, oldest first, those that are revoked or expired among them. */
export async function listApiKeys(queryable: Queryable): Promise<readonly ApiKey[]> {
  const { rows } = await queryable.query<ApiKey>(`select ${columns} from api_keys order by created_at, key_id`);
  return rows;
}

/** Ends a key at once; a repeated call changes nothing. Null when there is no such key. */
export async function revokeApiKey(queryable: Queryable, keyId: string): Promise<ApiKey | null> {
  const { rows } = await queryable.query<ApiKey>(
    `update api_keys set revoked_at = coalesce(revoked_at, now()) where key_id = $1 returning ${columns}`,
    [keyId],
  );
  return rows[0] ?? null;
}

/** Whether any key was ever made, and the key of this id (null: do not look for one). */
export async function findApiKey(
  queryable: Queryable,
  keyId: string | null,
): Promise<{ readonly anyKey: boolean; readonly key: CheckedApiKey | null }> {
  const { rows } = await queryable.query<CheckedApiKey & { readonly anyKey: boolean }>({
    name: 'find-api-key',
    text: `select ${columns}, key_hash as "keyHash", exists (select from api_keys) as "anyKey",
        revoked_at is null and coalesce(expires_at > now(), true) as valid,
        coalesce(last_used_at < now() - interval '${lastUseEvery}', true) as "useIsOld"
      from (values (1)) as one left join api_keys on key_id = $1`,
    values: [keyId],
  });
  const row = rows[0];
  if (row === undefined) throw new Error('the keys were not read');
  const { anyKey, ...key } = row;
  // The outer join gives a row of nulls when there is no such key.
  return { anyKey, key: anyKey && key.keyHash !== null ? key : null };
}

/** Notes that the key was used, at most once a minute. */
export async function noteApiKeyUse(queryable: Queryable, keyId: string): Promise<void> {
  await queryable.query(
    `update api_keys set last_used_at = now()
     where key_id = $1 and coalesce(last_used_at < now() - interval '${lastUseEvery}', true)`,
    [keyId],
  );
}
