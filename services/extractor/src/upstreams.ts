import { accountKeyHash, ensureAccount } from '@full-sync/database';
import type { Database } from '@full-sync/database';
import { createHttpClient } from '@full-sync/http-client';
import type { HttpAuth, HttpClient } from '@full-sync/http-client';
import { parseRateLimit } from '@full-sync/runtime';
import type { RateLimit } from '@full-sync/runtime';
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

/** Registers the accounts whose keys are configured and opens a client for each. */
export async function openUpstreams(options: {
  readonly config: ExtractorConfig;
  readonly database: Database;
  readonly metrics: ExtractorMetrics;
}): Promise<readonly Upstream[]> {
  const { config, database, metrics } = options;
  const upstreams: Upstream[] = [];
  for (const platform of ['smartlead', 'lemlist'] as const) {
    const names = variables[platform];
    const apiKey = config[names.key];
    if (apiKey === undefined) continue;
    const baseUrl = config[names.url];
    const limit = parseRateLimit(config[names.limit]);
    const accountId = await ensureAccount(database.pool, {
      platform,
      keyHash: accountKeyHash({ platform, baseUrl, apiKey }),
      label: `${names.key} at ${URL.parse(baseUrl)?.host ?? baseUrl}`,
      configuredLimit: limit === 'off' ? null : limit,
    });
    const http = createHttpClient({
      baseUrl,
      auth: authOf(platform, apiKey),
      timeoutMs: requestTimeoutMs,
      // Rows are split off and stripped as they come, so a page may be far larger than what is held of it.
      maxBodyBytes: 1_073_741_824,
      // A request that waited for a connection would be sent after its permit.
      maxConnections: 256,
      circuit: { onChange: (state) => metrics.circuitOpen.set({ platform }, state === 'closed' ? 0 : 1) },
      onAnswered: ({ kind, reason, durationMs }) => {
        metrics.requests.inc({ platform, outcome: reason ?? kind });
        if (kind !== 'circuit-open') metrics.requestSeconds.observe({ platform }, durationMs / 1000);
      },
    });
    upstreams.push({ platform, accountId, limit, keyName: names.key, urlName: names.url, http });
  }
  return upstreams;
}
