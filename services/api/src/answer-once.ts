import { createHash } from 'node:crypto';
import { claimAnswer, releaseAnswerClaim, renewAnswerClaim, storeAnswer } from '@full-sync/database';
import type { AnswerClaim, Queryable, StoredAnswer } from '@full-sync/database';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { callerName } from './authenticate.ts';
import type { ApiContext } from './context.ts';
import { canonicalJson } from './domain/canonical-json.ts';
import { ApiError } from './errors.ts';
import type { ApiServer } from './api-server.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set while a request with an `Idempotency-Key` is answered for the first time. */
    answerClaim: HeldClaim | null;
  }
}

interface HeldClaim extends AnswerClaim {
  readonly stopRenewing: () => void;
  /** The answer was stored by the transaction that did the work. */
  stored: boolean;
}

const leaseMs = 30_000;
const renewEveryMs = 10_000;
/** How long a repetition waits for the answer of the first. */
const patienceMs = 10_000;
const lookEveryMs = 100;
const keptHeaders = ['content-type', 'location'] as const;

/**
 * Answers a POST with an `Idempotency-Key` once in 24 hours per caller: a repetition gets the stored answer, one that
 * comes meanwhile waits for it, another request under the same key is refused. Refusals are not stored: nothing came
 * of them, so the same key may try again.
 */
export function answerOnce(app: ApiServer, { db, clock }: Pick<ApiContext, 'db' | 'clock'>): void {
  const claimFor = async (request: FastifyRequest, key: string): Promise<AnswerClaim | StoredAnswer> => {
    const wanted = { caller: callerName(request.caller), key, requestHash: hashOf(request), leaseMs };
    for (const endMs = clock.now() + patienceMs; ; await clock.sleep(lookEveryMs)) {
      const outcome = await claimAnswer(db.pool, wanted);
      if (outcome.kind === 'claimed') return outcome.claim;
      if (outcome.kind === 'answered') return outcome.answer;
      if (outcome.kind === 'mismatch')
        throw new ApiError('API_009', 'This Idempotency-Key came with another request before; use a new one.');
      if (clock.now() < endMs) continue;
      const message = 'The first request with this Idempotency-Key is still being answered.';
      throw new ApiError('API_010', message, { headers: { 'retry-after': '5' } });
    }
  };
  const hold = (claim: AnswerClaim): HeldClaim => {
    // A renewal that fails leaves a shorter lease, and the storing of the answer then says whether it was enough.
    const timer = setInterval(
      () => void renewAnswerClaim(db.pool, claim, leaseMs).catch(() => undefined),
      renewEveryMs,
    );
    return { ...claim, stopRenewing: () => clearInterval(timer), stored: false };
  };

  app.decorateRequest('answerClaim', null);
  app.addHook('preHandler', async (request, reply) => {
    if (request.method !== 'POST') return;
    const key = readKey(request.headers['idempotency-key']);
    if (key === null) return;
    const found = await claimFor(request, key);
    if ('epoch' in found) {
      request.answerClaim = hold(found);
      return;
    }
    return await reply
      .code(found.status)
      .headers({ ...found.headers, 'idempotency-replayed': 'true' })
      .send(found.body);
  });
  app.addHook('onSend', async (request, reply, payload) => {
    const claim = request.answerClaim;
    if (claim === null) return payload;
    request.answerClaim = null;
    claim.stopRenewing();
    if (reply.statusCode < 400) {
      if (!claim.stored) await storeAnswer(db.pool, claim, answerOf(reply, payload));
      return payload;
    }
    // What a database that does not answer keeps runs out with its lease.
    await releaseAnswerClaim(db.pool, claim).catch(() => undefined);
    return payload;
  });
}

/**
 * Stores the answer of a request with an `Idempotency-Key` in the transaction that does its work, so that no crash comes
 * between the two: for work that is not to be done twice. To be sent afterwards exactly as given here.
 *
 * @throws ApiError API_010 when another process took the request over; the transaction must fail with it.
 */
export async function storeAnswerWith(
  client: Queryable,
  request: FastifyRequest,
  answer: { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: object },
): Promise<void> {
  const claim = request.answerClaim;
  if (claim === null) return;
  const { status, headers, body } = answer;
  const stored = { status, headers: { ...jsonType, ...headers }, body: JSON.stringify(body) };
  claim.stored = await storeAnswer(client, claim, stored);
  if (claim.stored) return;
  throw new ApiError('API_010', 'Another process is answering this Idempotency-Key.');
}

const jsonType = { 'content-type': 'application/json; charset=utf-8' };

function readKey(header: string | readonly string[] | undefined): string | null {
  if (header === undefined) return null;
  const key = [header].flat().join(', ').trim();
  if (/^[\x21-\x7e]([\x20-\x7e]{0,253}[\x21-\x7e])?$/.test(key)) return key;
  throw new ApiError('API_004', 'Idempotency-Key: expected 1 to 255 printable ASCII characters.');
}

function hashOf({ method, url, body }: FastifyRequest): Buffer {
  return createHash('sha256')
    .update(canonicalJson([method, url, body ?? null]))
    .digest();
}

function answerOf(reply: FastifyReply, payload: unknown): StoredAnswer {
  const headers: Record<string, string> = {};
  for (const name of keptHeaders) {
    const value = reply.getHeader(name);
    if (value !== undefined) headers[name] = String(value);
  }
  return { status: reply.statusCode, headers, body: typeof payload === 'string' ? payload : '' };
}
