import { accountKeyHash, ensureAccount } from '@full-sync/database';
import type { Queryable } from '@full-sync/database';
import { parseRateLimit } from '@full-sync/runtime';
import type { RateLimit } from '@full-sync/runtime';
import type { Platform } from '@full-sync/schemas';
import type { ApiConfig } from './config.ts';

/** The upstream account that pays for a platform's walks. */
export interface UpstreamAccount {
  readonly platform: Platform;
  readonly keyHash: Buffer;
  /** Shown to people: the variable that holds the key and the host, never the key. */
  readonly label: string;
  /** null: limits are off. */
  readonly limit: RateLimit | null;
}

const variables = {
  smartlead: { key: 'SMARTLEAD_API_KEY', url: 'SMARTLEAD_BASE_URL', limit: 'SMARTLEAD_RATE_LIMIT' },
  lemlist: { key: 'LEMLIST_API_KEY', url: 'LEMLIST_BASE_URL', limit: 'LEMLIST_RATE_LIMIT' },
} as const;

/** The variable that holds a platform's key. */
export function keyVariable(platform: Platform): string {
  return variables[platform].key;
}

/** The account that the configuration gives a platform, or null when it has no key. */
export function configuredAccount(config: ApiConfig, platform: Platform): UpstreamAccount | null {
  const names = variables[platform];
  const apiKey = config[names.key];
  if (apiKey === undefined) return null;
  const baseUrl = config[names.url];
  const limit = parseRateLimit(config[names.limit]);
  return {
    platform,
    keyHash: accountKeyHash({ platform, baseUrl, apiKey }),
    label: `${names.key} at ${URL.parse(baseUrl)?.host ?? baseUrl}`,
    limit: limit === 'off' ? null : limit,
  };
}

/** The account's number in the database. */
export async function storeAccount(queryable: Queryable, account: UpstreamAccount): Promise<number> {
  const { platform, keyHash, label, limit } = account;
  return await ensureAccount(queryable, { platform, keyHash, label, configuredLimit: limit });
}
