import { sanitiseText } from './text.ts';

const digits = /^[0-9]+$/;

/**
 * A text: sanitised and trimmed (ECMAScript `trim`). Absent, `null`, empty, white space alone and whatever is not a string
 * are missing: `null`.
 */
export function readText(value: unknown): string | null {
  if (typeof value !== 'string') return null;
  const text = sanitiseText(value).trim();
  return text === '' ? null : text;
}

/**
 * An id as text: a string as `readText` gives it, case kept, or an integer in decimal, beyond 2^53 too. Booleans,
 * fractions and objects are no ids: `null`.
 */
export function readId(value: unknown): string | null {
  switch (typeof value) {
    case 'string':
      return readText(value);
    case 'bigint':
      return value.toString();
    case 'number':
      // Through bigint, since 1e21 and above print with an exponent.
      return Number.isInteger(value) ? BigInt(value).toString() : null;
    default:
      return null;
  }
}

/** An email: trimmed and lower-cased with Unicode `toLowerCase`, no locale, no normalisation; `null` when missing. */
export function readEmail(value: unknown): string | null {
  return readText(value)?.toLowerCase() ?? null;
}

/** A count from 0 to 2^53 - 1, given as an integer or as a text of ASCII digits; anything else is missing: `null`. */
export function readCount(value: unknown): number | null {
  const count = typeof value === 'string' ? countOf(value.trim()) : value;
  if (typeof count !== 'number' || !Number.isSafeInteger(count) || count < 0) return null;
  // Adding 0 turns -0 into 0.
  return count + 0;
}

function countOf(text: string): number | null {
  return digits.test(text) ? Number(text) : null;
}
