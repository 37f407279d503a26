import { claimWebhook, ensureWebhookSecret, settleWebhook, webhookKeyOf } from '@full-sync/database';
import type { ClaimedWebhook, Database, WebhookNext } from '@full-sync/database';
import { rememberSecret } from '@full-sync/runtime';
import type { Clock, Health, Logger } from '@full-sync/runtime';
import { isUnreachable } from './answer-errors.ts';
import type { ApiConfig } from './config.ts';
import { webhookRetryMs } from './domain/webhook-retry.ts';
import type { ApiMetrics } from './metrics.ts';
import { postWebhook } from './post-webhook.ts';
import type { PostOutcome } from './post-webhook.ts';
import { signWebhook } from './sign-webhook.ts';

export interface DeliveryDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly health: Health;
  readonly metrics: ApiMetrics;
  readonly config: Pick<ApiConfig, 'WEBHOOK_SECRET' | 'WEBHOOK_ALLOW_PRIVATE'>;
}

const lookEveryMs = 500;
const lookAgainMs = 1_000;
const timeoutMs = 10_000;
/** Longer than an attempt can take: who loses it is dead. */
const leaseMs = 30_000;
const maxInFlight = 8;

/**
 * Sends the webhooks of ended jobs until `signal` is aborted, then waits for those under way. Any number of copies of the
 * api may do it; each webhook is with one of them at a time. A crash after the receiver's answer sends it again, with
 * the same id (I3 is the receiver's part of it).
 */
export async function deliverWebhooks(deps: DeliveryDeps, signal: AbortSignal): Promise<void> {
  const { clock, logger, health } = deps;
  const inFlight = new Set<Promise<void>>();
  let key: Buffer | null = null;
  let failing = false;
  try {
    while (!signal.aborted) {
      try {
        key ??= await readKey(deps);
        while (inFlight.size < maxInFlight) {
          const claimed = await claimWebhook(deps.db.pool, leaseMs);
          if (claimed === null) break;
          const sending: Promise<void> = deliver(deps, key, claimed).finally(() => inFlight.delete(sending));
          inFlight.add(sending);
        }
        failing = false;
      } catch (error) {
        if (!isUnreachable(error)) throw error;
        if (!failing) logger.warn({ err: error }, 'webhooks wait for the database');
        failing = true;
        await clock.sleep(lookAgainMs, signal);
      }
      health.beat('webhooks');
      await clock.sleep(lookEveryMs, signal);
    }
  } finally {
    await Promise.all(inFlight);
  }
}

/** The key that signs: of `WEBHOOK_SECRET`, else of the secret that the first start made. */
async function readKey({ db, config }: DeliveryDeps): Promise<Buffer> {
  const secret = config.WEBHOOK_SECRET ?? (await ensureWebhookSecret(db.pool));
  rememberSecret(secret);
  const key = webhookKeyOf(secret);
  if (key === null) throw new Error('the stored webhook secret is not readable');
  return key;
}

/** One attempt and its place in the delivery log; never rejects. */
async function deliver(deps: DeliveryDeps, key: Buffer, webhook: ClaimedWebhook): Promise<void> {
  const { db, clock, logger, metrics, config } = deps;
  const { webhookId, jobId, attempt, url, body } = webhook;
  const startedAt = performance.now();
  const outcome = await postWebhook(
    {
      url,
      body,
      headers: {
        'content-type': 'application/json',
        'user-agent': 'full-sync',
        ...signWebhook(key, { webhookId, sentAtMs: clock.now(), body }),
      },
    },
    { allowPrivate: config.WEBHOOK_ALLOW_PRIVATE, timeoutMs },
  );
  const durationMs = performance.now() - startedAt;
  const next = nextOf(outcome, attempt);
  metrics.webhooks.inc({ outcome: next.kind });
  // The path and the query of the URL may hold the receiver's secrets (I7).
  const fields = {
    jobId,
    attempt,
    host: URL.parse(url)?.host ?? null,
    status: outcome.httpStatus,
    error: outcome.error,
  };
  if (next.kind === 'failed') logger.warn(fields, 'webhook given up');
  else logger.info(fields, next.kind === 'delivered' ? 'webhook delivered' : 'webhook is tried again');
  try {
    const { httpStatus, error } = outcome;
    await settleWebhook(db.pool, { webhookId, attempt }, { httpStatus, error, durationMs }, next);
  } catch (error) {
    logger.warn({ err: error, jobId, attempt }, 'webhook attempt was not logged; it is repeated');
  }
}

function nextOf(outcome: PostOutcome, attempt: number): WebhookNext {
  if (outcome.error === null) return { kind: 'delivered' };
  // Gone means: send no more (Standard Webhooks).
  const afterMs = outcome.httpStatus === 410 ? null : webhookRetryMs(attempt, Math.random(), outcome.askedMs);
  return afterMs === null ? { kind: 'failed' } : { kind: 'retry', afterMs };
}
