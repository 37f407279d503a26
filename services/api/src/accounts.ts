import { accountKeyHash, ensureAccount } from '@full-sync/database';
import type { CampaignFilter, Queryable } from '@full-sync/database';
import { parseRateLimit } from '@full-sync/runtime';
import type { NamespaceMap, RateLimit } from '@full-sync/runtime';
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

/** Where a namespace's events of a platform come from. */
export interface Source {
  readonly account: UpstreamAccount;
  /** The campaigns that belong to the namespace; null = all. */
  readonly filter: CampaignFilter | null;
}

/** What says which account a namespace reads. */
export interface AccountSettings {
  readonly config: ApiConfig;
  /** What NAMESPACES_FILE says; null = there is none. */
  readonly namespaces: NamespaceMap | null;
}

const variables = {
  smartlead: { key: 'SMARTLEAD_API_KEY', url: 'SMARTLEAD_BASE_URL', limit: 'SMARTLEAD_RATE_LIMIT' },
  lemlist: { key: 'LEMLIST_API_KEY', url: 'LEMLIST_BASE_URL', limit: 'LEMLIST_RATE_LIMIT' },
} as const;

/**
 * The source of a namespace's events of a platform: as NAMESPACES_FILE says, else with the platform's own key and all
 * campaigns; or a sentence that says why there is none.
 */
export function sourceOf(settings: AccountSettings, namespace: string, platform: Platform): Source | string {
  const { config, namespaces } = settings;
  const entry = namespaces?.get(namespace);
  if (entry === undefined) {
    const apiKey = config[variables[platform].key];
    if (apiKey === undefined) return `${platform} cannot be read: ${variables[platform].key} is not set on the server`;
    return { account: toAccount(settings, platform, apiKey), filter: null };
  }
  const source = entry.get(platform);
  if (source === undefined)
    return `${platform} cannot be read into namespace ${namespace}: NAMESPACES_FILE gives it no ${platform} account`;
  return { account: toAccount(settings, platform, source.apiKey), filter: source.filter };
}

function toAccount(settings: AccountSettings, platform: Platform, apiKey: string): UpstreamAccount {
  const { config } = settings;
  const names = variables[platform];
  const baseUrl = config[names.url];
  const limit = parseRateLimit(config[names.limit]);
  return {
    platform,
    keyHash: accountKeyHash({ platform, baseUrl, apiKey }),
    label: `${keyVariable(settings, platform, apiKey)} at ${URL.parse(baseUrl)?.host ?? baseUrl}`,
    limit: limit === 'off' ? null : limit,
  };
}

/** The first variable that holds a key: one key has one name, whoever looks. */
function keyVariable({ config, namespaces }: AccountSettings, platform: Platform, apiKey: string): string {
  const own = variables[platform].key;
  if (config[own] === apiKey) return own;
  for (const sources of namespaces?.values() ?? []) {
    const source = sources.get(platform);
    if (source?.apiKey === apiKey) return source.apiKeyEnv;
  }
  return own;
}

/** The account's number in the database. */
export async function storeAccount(queryable: Queryable, account: UpstreamAccount): Promise<number> {
  const { platform, keyHash, label, limit } = account;
  return await ensureAccount(queryable, { platform, keyHash, label, configuredLimit: limit });
}
