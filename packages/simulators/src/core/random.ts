/**
 * Deterministic pseudo-random draws addressed by (seed, stream, index): nothing is stored and nothing depends on the
 * order of asking, so that a million rows cost no memory and the same seed gives the same bytes for ever.
 */

/** Mixes 32 bits; a bijection, so distinct inputs give distinct outputs (ids are built on that). */
function mix32(value: number): number {
  let x = value | 0;
  x ^= x >>> 16;
  x = Math.imul(x, 0x7feb352d);
  x ^= x >>> 15;
  x = Math.imul(x, 0x846ca68b);
  x ^= x >>> 16;
  return x >>> 0;
}

/** A 32-bit draw; for a fixed seed and stream it is a bijection of `index`. */
export function draw(seed: number, stream: number, index: number): number {
  return mix32(mix32(mix32(seed ^ 0x5bd1e995) + stream) ^ index);
}

/** The `trait`-th independent 32-bit draw belonging to one row's base draw. */
export function trait(base: number, nth: number): number {
  return mix32(base + Math.imul(nth, 0x9e3779b9));
}

/** Whether a draw falls into the first `perMille` thousandths. */
export function chance(value: number, perMille: number): boolean {
  return value % 1000 < perMille;
}

/** The element a draw points at; the list must not be empty. */
export function pick<T>(list: readonly T[], value: number): T {
  return list[value % list.length] as T;
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

function hex32(word: number): string {
  return `${HEX[word >>> 24]}${HEX[(word >>> 16) & 255]}${HEX[(word >>> 8) & 255]}${HEX[word & 255]}`;
}

/** A version 4 shaped UUID, unique per (seed, stream, index) because its first word is a bijection of the index. */
export function uuidOf(seed: number, stream: number, index: number): string {
  const base = draw(seed, stream, index);
  const second = hex32(trait(base, 1));
  const third = hex32((trait(base, 2) & 0x3fffffff) | 0x80000000);
  return `${hex32(base)}-${second.slice(0, 4)}-4${second.slice(5)}-${third.slice(0, 4)}-${third.slice(4)}${hex32(trait(base, 3))}`;
}

const ALPHANUMERIC = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

function alphanumeric(word: number, digits: number): string {
  let text = '';
  let rest = word;
  for (let i = 0; i < digits; i++) {
    text += ALPHANUMERIC.charAt(rest % 62);
    rest = Math.floor(rest / 62);
  }
  return text;
}

/** Seventeen case-sensitive alphanumerics (Lemlist fact sheet, section 10), unique per (seed, stream, index). */
export function alphanumericIdOf(seed: number, stream: number, index: number): string {
  const base = draw(seed, stream, index);
  return alphanumeric(trait(base, 1), 5) + alphanumeric(base, 6) + alphanumeric(trait(base, 2), 6);
}
