import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ArrivalLog } from './arrivals.ts';
import type { DefaultFaultBody, FixedAnswer } from './fault-answers.ts';
import { damage, replacementFor, sendFixed } from './fault-answers.ts';
import type { FaultAction, PlatformName } from './faults.ts';
import { FaultPlan } from './faults.ts';
import type { RateState, RequestLimiter } from './rate-limit.ts';
import { RateLimiter, parseRate } from './rate-limit.ts';

/** What every simulated platform has: a record of its callers, a limit, faults to come, and a latency. */
export class PlatformGate {
  readonly name: PlatformName;
  readonly arrivals = new ArrivalLog();
  readonly faults = new FaultPlan();
  limiter: RateLimiter;
  latencyMs: number;

  constructor(options: { readonly name: PlatformName; readonly rateLimit: string; readonly latencyMs: number }) {
    this.name = options.name;
    this.limiter = new RateLimiter(parseRate(options.rateLimit));
    this.latencyMs = options.latencyMs;
  }

  setRateLimit(text: string): void {
    this.limiter = new RateLimiter(parseRate(text));
  }
}

/** How one platform speaks: its keys, its refusals, its headers. */
export interface PlatformManners {
  readonly wrongKey: FixedAnswer;
  readonly planGate: FixedAnswer;
  readonly defaultFaultBody: DefaultFaultBody;
  /** The refusal of a request without a valid key, or null when the key is right. */
  authenticate(request: FastifyRequest): FixedAnswer | null;
  /** A limiter of its own for some requests. */
  extraLimiter?(path: string, request: FastifyRequest): RequestLimiter | null;
  /** Headers of a `status` fault that says nothing of `retryAfter`. */
  faultHeaders?(status: number): Readonly<Record<string, string>>;
  rateHeaders(reply: FastifyReply, state: RateState): void;
  refusal(state: RateState): FixedAnswer;
}

/** The path of a request without its query, where a key may stand. */
export function pathOf(request: FastifyRequest): string {
  const end = request.url.indexOf('?');
  return end < 0 ? request.url : request.url.slice(0, end);
}

/** Puts authentication, limits, latency and faults before every route of `app` (unknown paths too). */
export function installGate(app: FastifyInstance, gate: PlatformGate, manners: PlatformManners): void {
  const damages = new WeakMap<FastifyRequest, FaultAction>();

  app.addHook('onRequest', async (request, reply) => {
    const at = performance.now();
    const path = pathOf(request);
    const unauthenticated = manners.authenticate(request);
    const limiters = [gate.limiter, manners.extraLimiter?.(path, request) ?? null].filter(
      (limiter) => limiter !== null,
    );
    const states = limiters.map((limiter) => limiter.peek(at)).filter((state) => state !== null);
    if (unauthenticated !== null) {
      const state = states[0];
      if (state !== undefined) manners.rateHeaders(reply, state);
      return sendFixed(reply, unauthenticated);
    }
    const refused = states.find((state) => !state.allowed);
    gate.arrivals.record(refused === undefined, path, at);
    if (refused !== undefined) {
      manners.rateHeaders(reply, refused);
      return sendFixed(reply, manners.refusal(refused));
    }
    for (const limiter of limiters) limiter.take(at);
    const left = limiters[0]?.peek(at);
    if (left !== null && left !== undefined) manners.rateHeaders(reply, left);

    const { latencyMs, action } = gate.faults.take(path);
    if (gate.latencyMs + latencyMs > 0) await delay(gate.latencyMs + latencyMs);
    if (action === null) return;
    const replacement = replacementFor(action, {
      wrongKey: manners.wrongKey,
      planGate: manners.planGate,
      defaultBody: manners.defaultFaultBody,
    });
    if (replacement !== null) {
      if (action.kind === 'status' && action.retryAfter === undefined) {
        reply.headers(manners.faultHeaders?.(action.status) ?? {});
      }
      return sendFixed(reply, replacement);
    }
    if (action.kind === 'hang' && action.afterBytes === undefined) return reply.hijack();
    if (action.kind === 'dropRequest') {
      request.raw.socket.resetAndDestroy();
      return reply.hijack();
    }
    damages.set(request, action);
  });

  app.addHook('preHandler', async (request) => {
    const action = damages.get(request);
    // Here the body is read: a caller who goes away meanwhile does not take the request back.
    if (action?.kind === 'late') await delay(action.ms);
  });

  app.addHook('onSend', async (request, reply, payload) => {
    const action = damages.get(request);
    return action === undefined ? payload : damage(action, reply, payload);
  });
}
