import type { AdvanceStep } from './control.ts';
import { DAY_MS, parseIso } from './timeline.ts';

/** The span a step covers: everything in it happens after `from` and at or before `to`, epoch ms. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/**
 * The span from the account's present on.
 * @throws Error when the step would turn the calendar back or `to` cannot be read.
 */
export function spanOf(now: number, step: AdvanceStep): Span {
  const to = step.to === undefined ? now + (step.ms ?? DAY_MS) : step.to === 'now' ? Date.now() : parseIso(step.to);
  if (to === null || to <= now) throw new Error('advance: the calendar only moves forward');
  return { from: now, to };
}

/** A moment in the span for a 32-bit draw. */
export function momentIn(span: Span, draw: number): number {
  return span.from + 1 + Math.floor((draw / 0x100000000) * (span.to - span.from));
}
