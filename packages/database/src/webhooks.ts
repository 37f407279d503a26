import type { Client, Queryable } from './database.ts';

/** A webhook that this process may send until its lease runs out. */
export interface ClaimedWebhook {
  /** The same at every attempt. */
  readonly webhookId: string;
  readonly jobId: string;
  readonly url: string;
  readonly body: string;
  /** From 1. */
  readonly attempt: number;
}

/** What an attempt came to. */
export interface WebhookAttempt {
  /** null: there was no answer. */
  readonly httpStatus: number | null;
  readonly error: string | null;
  readonly durationMs: number;
}

export type WebhookNext =
  { readonly kind: 'delivered' } | { readonly kind: 'retry'; readonly afterMs: number } | { readonly kind: 'failed' };

/** How a job ended, as far as its webhook tells it. */
export interface EndedJob {
  readonly jobId: string;
  readonly status: 'completed' | 'failed' | 'cancelled';
  readonly summary: object;
  readonly error: object | null;
  readonly endedAtMs: number;
}

/** Queues the webhook of a job, if it asked for one; in the transaction that ends the job, and once per job. */
export async function queueWebhook(client: Client, job: EndedJob): Promise<void> {
  const { jobId, status, summary, error, endedAtMs } = job;
  const timestamp = new Date(endedAtMs).toISOString();
  const message = { type: `sync.${status}`, timestamp, data: { jobId, status, summary, error } };
  await client.query(
    `insert into webhooks (webhook_id, job_id, url, body)
     select 'msg_' || job_id, job_id, config ->> 'webhookUrl', $2 from jobs
     where job_id = $1 and config ->> 'webhookUrl' is not null
     on conflict (job_id) do nothing`,
    [jobId, JSON.stringify(message)],
  );
}

/** Claims the webhook that is due longest, for `leaseMs`, and opens its line in the delivery log; null when none is due. */
export async function claimWebhook(queryable: Queryable, leaseMs: number): Promise<ClaimedWebhook | null> {
  const { rows } = await queryable.query<ClaimedWebhook>({
    name: 'claim-webhook',
    text: `with due as (
        select webhook_id from webhooks
        where status = 'pending' and next_attempt_at <= now() and coalesce(lease_until < now(), true)
        order by next_attempt_at limit 1 for update skip locked),
      claimed as (
        update webhooks w set attempts = attempts + 1, lease_until = now() + $1::float8 * interval '1 ms'
        from due where w.webhook_id = due.webhook_id
        returning w.webhook_id, w.job_id, w.url, w.body, w.attempts),
      logged as (insert into webhook_attempts (webhook_id, attempt) select webhook_id, attempts from claimed)
      select webhook_id as "webhookId", job_id as "jobId", url, body, attempts as attempt from claimed`,
    values: [leaseMs],
  });
  return rows[0] ?? null;
}

/**
 * Logs what an attempt came to and says what is next. Once the lease has run out and another process has claimed the
 * webhook, only the log is written.
 */
export async function settleWebhook(
  queryable: Queryable,
  claimed: Pick<ClaimedWebhook, 'webhookId' | 'attempt'>,
  attempt: WebhookAttempt,
  next: WebhookNext,
): Promise<void> {
  await queryable.query(
    `with logged as (
       update webhook_attempts set http_status = $3, error = $4, duration_ms = $5
       where webhook_id = $1 and attempt = $2)
     update webhooks set lease_until = null, status = $6, next_attempt_at = now() + $7::float8 * interval '1 ms',
       ended_at = case when $6 = 'pending' then null else now() end
     where webhook_id = $1 and attempts = $2 and status = 'pending'`,
    [
      claimed.webhookId,
      claimed.attempt,
      attempt.httpStatus,
      attempt.error,
      Math.round(attempt.durationMs),
      next.kind === 'retry' ? 'pending' : next.kind,
      next.kind === 'retry' ? next.afterMs : 0,
    ],
  );
}

/** A webhook and its delivery log. */
export interface WebhookDelivery {
  readonly webhookId: string;
  readonly jobId: string;
  readonly url: string;
  readonly status: 'pending' | 'delivered' | 'failed';
  readonly createdAt: string;
  /** When it is tried again; null when it is not. */
  readonly nextAttemptAt: string | null;
  readonly attempts: readonly {
    readonly attempt: number;
    readonly at: string;
    readonly httpStatus: number | null;
    readonly error: string | null;
    readonly durationMs: number | null;
  }[];
}

/** The newest webhooks first, at most `limit` of them, of one job where `jobId` is given. */
export async function listWebhooks(
  queryable: Queryable,
  filter: { readonly jobId: string | null; readonly limit: number },
): Promise<readonly WebhookDelivery[]> {
  const { rows } = await queryable.query<WebhookDelivery>(
    `select webhook_id as "webhookId", job_id as "jobId", url, status, to_jsonb(created_at) as "createdAt",
       case when status = 'pending' then to_jsonb(next_attempt_at) end as "nextAttemptAt",
       (select coalesce(jsonb_agg(jsonb_build_object('attempt', attempt, 'at', at, 'httpStatus', http_status,
          'error', error, 'durationMs', duration_ms) order by attempt), '[]')
        from webhook_attempts a where a.webhook_id = w.webhook_id) as attempts
     from webhooks w where ($1::text is null or job_id = $1)
     order by w.created_at desc, webhook_id desc limit $2`,
    [filter.jobId, filter.limit],
  );
  return rows;
}
