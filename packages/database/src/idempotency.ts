import type { Queryable } from './database.ts';

/** The right to answer a request with an idempotency key, until its lease runs out. */
export interface AnswerClaim {
  readonly caller: string;
  readonly key: string;
  readonly epoch: number;
}

export interface StoredAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export type ClaimOutcome =
  | { readonly kind: 'claimed'; readonly claim: AnswerClaim }
  | { readonly kind: 'answered'; readonly answer: StoredAnswer }
  /** Some process is at it. */
  | { readonly kind: 'busy' }
  /** The key came with another request before. */
  | { readonly kind: 'mismatch' };

/** For how long an answer is kept. */
const retention = '24 hours';

interface StoredRow {
  readonly request_hash: Buffer;
  readonly status: number | null;
  readonly headers: Record<string, string> | null;
  readonly body: string | null;
}

/**
 * Claims the answering of a request for `leaseMs`, or says why not. A claim whose lease has run out belongs to a
 * process that died: it is given to the next.
 */
export async function claimAnswer(
  queryable: Queryable,
  request: {
    readonly caller: string;
    readonly key: string;
    readonly requestHash: Buffer;
    readonly leaseMs: number;
  },
): Promise<ClaimOutcome> {
  const { caller, key, requestHash, leaseMs } = request;
  const claimed = await queryable.query<{ epoch: number }>(
    `insert into idempotency_keys as known (caller, idempotency_key, request_hash, lease_until)
     values ($1, $2, $3, now() + $4::float8 * interval '1 ms')
     on conflict (caller, idempotency_key) do update set epoch = known.epoch + 1, request_hash = excluded.request_hash,
       lease_until = excluded.lease_until, status = null, headers = null, body = null, created_at = now()
     where coalesce(known.lease_until < now(), true) and (known.created_at < now() - interval '${retention}'
       or (known.status is null and known.request_hash = excluded.request_hash))
     returning epoch`,
    [caller, key, requestHash, leaseMs],
  );
  const epoch = claimed.rows[0]?.epoch;
  if (epoch !== undefined) return { kind: 'claimed', claim: { caller, key, epoch } };
  const { rows } = await queryable.query<StoredRow>(
    'select request_hash, status, headers, body from idempotency_keys where caller = $1 and idempotency_key = $2',
    [caller, key],
  );
  const row = rows[0];
  // Given back between the two statements: the next attempt gets it.
  if (row === undefined) return { kind: 'busy' };
  if (!row.request_hash.equals(requestHash)) return { kind: 'mismatch' };
  if (row.status === null) return { kind: 'busy' };
  return { kind: 'answered', answer: { status: row.status, headers: row.headers ?? {}, body: row.body ?? '' } };
}

/** Lengthens the lease of a claim by `leaseMs` from now. */
export async function renewAnswerClaim(queryable: Queryable, claim: AnswerClaim, leaseMs: number): Promise<void> {
  await queryable.query(
    `update idempotency_keys set lease_until = now() + $4::float8 * interval '1 ms'
     where caller = $1 and idempotency_key = $2 and epoch = $3 and status is null`,
    [claim.caller, claim.key, claim.epoch, leaseMs],
  );
}

/**
 * Stores the answer; every repetition gets it from then on. False when the claim is another's by now: whoever calls this
 * inside the transaction that does the work must then let that transaction fail.
 */
export async function storeAnswer(queryable: Queryable, claim: AnswerClaim, answer: StoredAnswer): Promise<boolean> {
  const { rowCount } = await queryable.query(
    `update idempotency_keys set status = $4, headers = $5, body = $6, lease_until = null
     where caller = $1 and idempotency_key = $2 and epoch = $3 and status is null`,
    [claim.caller, claim.key, claim.epoch, answer.status, JSON.stringify(answer.headers), answer.body],
  );
  return rowCount === 1;
}

/** Gives a claim back of which nothing came: the next request with the key is answered anew. */
export async function releaseAnswerClaim(queryable: Queryable, claim: AnswerClaim): Promise<void> {
  await queryable.query(
    'delete from idempotency_keys where caller = $1 and idempotency_key = $2 and epoch = $3 and status is null',
    [claim.caller, claim.key, claim.epoch],
  );
}

/** Forgets the answers older than 24 hours. */
export async function sweepAnswers(queryable: Queryable): Promise<void> {
  await queryable.query(
    `delete from idempotency_keys
     where created_at < now() - interval '${retention}' and coalesce(lease_until < now(), true)`,
  );
}
