import { accountKeyHash, ensureAccount } from '@full-sync/database';
import type { Database } from '@full-sync/database';
import { createHttpClient } from '@full-sync/http-client';
import type { HttpAuth, HttpClient } from '@full-sync/http-client';
import { parseRateLimit } from '@full-sync/runtime';
import type { NamespaceMap, RateLimit } from '@full-sync/runtime';
import { platforms } from '@full-sync/schemas';
import type { Platform } from '@full-sync/schemas';
import type { ExtractorConfig } from './config.ts';
import type { ExtractorMetrics } from './metrics.ts';

/** An upstream account that this process has the key of. */
export interface Upstream {
  readonly platform: Platform;
  readonly accountId: number;
  readonly limit: RateLimit | 'off';
  /** The variables that error messages name. */
  readonly keyName: string;
  readonly urlName: string;
  readonly http: HttpClient;
}

/** From the call of a request to its headers, ms. */
export const requestTimeoutMs = 30_000;

const variables = {
  smartlead: { key: 'SMARTLEAD_API_KEY', url: 'SMARTLEAD_BASE_URL', limit: 'SMARTLEAD_RATE_LIMIT' },
  lemlist: { key: 'LEMLIST_API_KEY', url: 'LEMLIST_BASE_URL', limit: 'LEMLIST_RATE_LIMIT' },
} as const;

/** How each platform takes its key (fact sheets, section 2). */
function authOf(platform: Platform, apiKey: string): HttpAuth {
  return platform === 'smartlead'
    ? { kind: 'query', name: 'api_key', value: apiKey }
    : { kind: 'basic', username: '', password: apiKey };
}

/** The keys of a platform by the variables that hold them: its own, and those that NAMESPACES_FILE names. */
function keysOf(
  config: ExtractorConfig,
  namespaces: NamespaceMap | null,
  platform: Platform,
): ReadonlyMap<string, string> {
  const keys = new Map<string, string>();
  const own = config[variables[platform].key];
  if (own !== undefined) keys.set(variables[platform].key, own);
  for (const sources of namespaces?.values() ?? []) {
    const source = sources.get(platform);
    if (source !== undefined) keys.set(source.apiKeyEnv, source.apiKey);
  }
  return keys;
}

/**
 * Registers the accounts whose keys are configured and opens a client for each; two variables that hold one key are one
 * account.
 */
export async function openUpstreams(options: {
  readonly config: ExtractorConfig;
  /** What NAMESPACES_FILE says; null = there is none. */
  readonly namespaces: NamespaceMap | null;
  readonly database: Database;
  readonly metrics: ExtractorMetrics;
}): Promise<readonly Upstream[]> {
  const { config, namespaces, database } = options;
  const upstreams: Upstream[] = [];
  for (const platform of platforms) {
    const names = variables[platform];
    const baseUrl = config[names.url];
    const limit = parseRateLimit(config[names.limit]);
    const known = new Set<string>();
    for (const [keyName, apiKey] of keysOf(config, namespaces, platform)) {
      if (known.has(apiKey)) continue;
      known.add(apiKey);
      const accountId = await ensureAccount(database.pool, {
        platform,
        keyHash: accountKeyHash({ platform, baseUrl, apiKey }),
        label: `${keyName} at ${URL.parse(baseUrl)?.host ?? baseUrl}`,
        configuredLimit: limit === 'off' ? null : limit,
      });
      const http = openClient(platform, { baseUrl, apiKey, keyName, metrics: options.metrics });
      upstreams.push({ platform, accountId, limit, keyName, urlName: names.url, http });
    }
  }
  return upstreams;
}

function openClient(
  platform: Platform,
  account: {
    readonly baseUrl: string;
    readonly apiKey: string;
    readonly keyName: string;
    readonly metrics: ExtractorMetrics;
  },
): HttpClient {
  const { metrics } = account;
  return createHttpClient({
    baseUrl: account.baseUrl,
    auth: authOf(platform, account.apiKey),
    timeoutMs: requestTimeoutMs,
    // Rows are split off and stripped as they come, so a page may be far larger than what is held of it.
    maxBodyBytes: 1_073_741_824,
    // A request that waited for a connection would be sent after its permit.
    maxConnections: 256,
    circuit: { onChange: (state) => metrics.noteCircuit(platform, account.keyName, state) },
    onAnswered: (answered) => metrics.noteAnswer(platform, answered),
  });
}
