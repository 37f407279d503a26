import { backoffMs } from '@full-sync/delivery';
import type { Settlement } from '@full-sync/delivery';
import { resting } from '@full-sync/runtime';
import type { Clock } from '@full-sync/runtime';
import type { Delivery, Destination, Outgoing, Target } from './destination.ts';
import type { BatchEnd, DestinationMetrics, WaitReason } from './metrics.ts';
import { probeAfterMs } from './probing.ts';
import type { TargetStates } from './target-states.ts';

export interface Sending<Payload> {
  readonly destination: Destination<Payload>;
  readonly states: TargetStates;
  readonly metrics: DestinationMetrics;
  readonly clock: Clock;
  readonly random: () => number;
  /** Told whenever the loop turns: it is alive, however long the destination is not. */
  readonly beat: () => void;
  /** Aborted when what is under way has to be let go, some time after the drain began. */
  readonly cutOff: AbortSignal;
}

/** How one payload ended. */
export type Sent =
  | { readonly kind: 'sent'; readonly answerCode: number }
  | {
      readonly kind: 'failed';
      readonly code: string;
      readonly detail: string;
      readonly pointer: string | null;
      readonly answerCode: number;
    };

const backoff = { baseMs: 1_000, capMs: 60_000 };
/** Longest time for one batch; a destination has shorter timeouts of its own. */
const deliverDeadlineMs = 120_000;
const beatEveryMs = 5_000;
const defaultLimits = { maxEvents: 2_000, maxBytes: 9_000_000 };

/** How far payloads were sent. */
export interface SentAll {
  /** How they ended; those without an entry are not settled. */
  readonly ended: ReadonlyMap<string, Sent>;
  /** Whether it was given up because the target accepts nothing. */
  readonly halted: boolean;
}

/**
 * Sends payloads to one target until each is settled, in order and in batches within the destination's limits: retries
 * with backoff and full jitter, heeds what the destination asks for, leaves a failing host alone, and probes a target
 * that accepts nothing (I5), or gives up there where `givesUp` says so. Ends early when `signal` is aborted.
 */
export async function sendAll<Payload>(
  sending: Sending<Payload>,
  target: Target,
  outgoing: readonly Outgoing<Payload>[],
  until: { readonly signal: AbortSignal; readonly givesUp: boolean },
): Promise<SentAll> {
  const ended = new Map<string, Sent>();
  for (const { batch, end: why } of cut(outgoing, sending.destination.limits ?? defaultLimits)) {
    sending.metrics.noteBatch(why, batch.length);
    const end = await sendBatch(sending, target, batch, { ended, ...until });
    if (end === 'halted') return { ended, halted: true };
    if (until.signal.aborted) break;
  }
  return { ended, halted: false };
}

async function sendBatch<Payload>(
  sending: Sending<Payload>,
  target: Target,
  batch: readonly Outgoing<Payload>[],
  {
    ended,
    signal,
    givesUp,
  }: { readonly ended: Map<string, Sent>; readonly signal: AbortSignal; readonly givesUp: boolean },
): Promise<'over' | 'halted'> {
  let left = batch;
  let failures = 0;
  let probes = 0;
  while (left.length > 0 && !signal.aborted) {
    const attempt = await deliverOnce(sending, target, left);
    if (attempt === 'cut-off') return 'over';
    const told = settle(left, attempt, ended);
    if (told.settled > 0) failures = 0;
    left = told.left;
    if (told.halt === null) {
      if (attempt.kind === 'each') sending.states.works(target.id);
      probes = 0;
    } else {
      sending.states.halted(target.id, told.halt);
    }
    if (left.length === 0) return 'over';
    if (told.halt !== null && givesUp) return 'halted';
    if (told.halt !== null) {
      await restBeating(sending, 'halted', probeAfterMs(probes), signal);
      probes += 1;
    } else if (attempt.kind === 'circuit-open') {
      await restBeating(sending, 'backoff', attempt.retryAfterMs, signal);
    } else {
      failures += 1;
      const { random } = sending;
      const ownMs = backoffMs({ ...backoff, attempt: failures, random });
      await restBeating(sending, told.afterMs === null ? 'backoff' : 'throttled', told.afterMs ?? ownMs, signal);
    }
  }
  return 'over';
}

type Attempt = Delivery | { readonly kind: 'circuit-open'; readonly retryAfterMs: number };

async function deliverOnce<Payload>(
  { destination, states, metrics, beat, cutOff }: Sending<Payload>,
  target: Target,
  batch: readonly Outgoing<Payload>[],
): Promise<Attempt | 'cut-off'> {
  const deadline = AbortSignal.timeout(deliverDeadlineMs);
  const signal = AbortSignal.any([cutOff, deadline]);
  const beating = setInterval(beat, beatEveryMs);
  let attempt: Attempt;
  try {
    const result = await states.circuit(target.id).run(() => destination.deliver(target, batch, signal));
    attempt = 'outcome' in result ? result.outcome : { kind: 'circuit-open', retryAfterMs: result.retryAfterMs };
  } catch (error) {
    if (cutOff.aborted && error === cutOff.reason) return 'cut-off';
    if (!deadline.aborted || error !== deadline.reason) throw error;
    attempt = { kind: 'retry', afterMs: null, reason: 'timeout' };
  } finally {
    clearInterval(beating);
  }
  beat();
  if (attempt.kind === 'retry') metrics.noteRetry(attempt.reason);
  if (attempt.kind === 'circuit-open') metrics.noteRetry('circuit_open');
  return attempt;
}

/** Notes what is settled, and says what is left and for how long it is to be left alone. */
function settle<Payload>(
  batch: readonly Outgoing<Payload>[],
  attempt: Attempt,
  ended: Map<string, Sent>,
): {
  readonly left: readonly Outgoing<Payload>[];
  readonly settled: number;
  readonly afterMs: number | null;
  readonly halt: { readonly code: string; readonly detail: string } | null;
} {
  if (attempt.kind === 'halt') return { left: batch, settled: 0, afterMs: null, halt: attempt };
  if (attempt.kind === 'retry') return { left: batch, settled: 0, afterMs: attempt.afterMs, halt: null };
  if (attempt.kind === 'circuit-open') return { left: batch, settled: 0, afterMs: null, halt: null };
  if (attempt.settlements.length !== batch.length)
    throw new Error(`${attempt.settlements.length} settlements for ${batch.length} payloads`);
  const left: Outgoing<Payload>[] = [];
  let afterMs: number | null = null;
  let halt: Extract<Settlement, { readonly kind: 'halt' }> | null = null;
  for (const [index, one] of batch.entries()) {
    const settlement = attempt.settlements[index];
    if (settlement?.kind === 'done') ended.set(one.eventId, { kind: 'sent', answerCode: attempt.answerCode });
    else if (settlement?.kind === 'reject') ended.set(one.eventId, refused(settlement, attempt.answerCode));
    else {
      left.push(one);
      if (settlement?.kind === 'retry') afterMs = Math.max(afterMs ?? 0, settlement.afterMs);
      if (settlement?.kind === 'halt') halt ??= settlement;
    }
  }
  return { left, settled: batch.length - left.length, afterMs, halt };
}

function refused(
  { code, detail, pointer }: Extract<Settlement, { readonly kind: 'reject' }>,
  answerCode: number,
): Sent {
  return { kind: 'failed', code, detail, pointer: pointer ?? null, answerCode };
}

/** Waits, beating, until the time is over or `signal` is aborted. */
async function restBeating<Payload>(
  { clock, beat, metrics }: Sending<Payload>,
  reason: WaitReason,
  waitMs: number,
  signal: AbortSignal,
): Promise<void> {
  const beganAt = performance.now();
  for (let leftMs = waitMs; leftMs > 0 && !signal.aborted; leftMs -= beatEveryMs) {
    await resting(clock, Math.min(leftMs, beatEveryMs), signal);
    beat();
  }
  metrics.noteWait(reason, performance.now() - beganAt);
}

function* cut<Payload>(
  outgoing: readonly Outgoing<Payload>[],
  { maxEvents, maxBytes }: { readonly maxEvents: number; readonly maxBytes: number },
): Generator<{ readonly batch: readonly Outgoing<Payload>[]; readonly end: BatchEnd }, void, undefined> {
  let start = 0;
  let bytes = 0;
  for (const [index, { json }] of outgoing.entries()) {
    const size = Buffer.byteLength(json) + 1;
    const end = index - start >= maxEvents ? 'rows' : bytes + size > maxBytes ? 'bytes' : null;
    if (index > start && end !== null) {
      yield { batch: outgoing.slice(start, index), end };
      start = index;
      bytes = 0;
    }
    bytes += size;
  }
  if (start < outgoing.length) yield { batch: outgoing.slice(start), end: 'end' };
}
