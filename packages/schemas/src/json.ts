/** How deep objects and arrays may nest; no record comes near it, and every reader's stack is far from its end. */
export const maxJsonDepth = 512;

/** What `JSON` has beyond the library's types (ES2026: source text access). */
interface LosslessJson {
  parse(
    text: string,
    reviver: (name: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): unknown;
}

const lossless: LosslessJson = JSON as typeof JSON & LosslessJson;

/** Shorter numbers lose nothing as a double. */
const manyDigits = /\d{16}/;
const integer = /^-?\d+$/;

/**
 * Parses JSON text; integers that a double cannot hold become bigint, everything else is as `JSON.parse` gives it.
 *
 * @throws SyntaxError when the text is not JSON.
 * @throws RangeError when it nests deeper than `maxJsonDepth` (checked only where big numbers may be).
 */
export function parseJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  if (!manyDigits.test(text)) return value;
  // A reviver recurses: checked first, so that the outcome does not depend on how much stack is left.
  if (nestsDeeper(value, maxJsonDepth)) throw new RangeError(`JSON nested deeper than ${maxJsonDepth}`);
  return lossless.parse(text, (_name, inner, { source }) =>
    typeof inner === 'number' && !Number.isSafeInteger(inner) && source !== undefined && integer.test(source)
      ? BigInt(source)
      : inner,
  );
}

/**
 * JSON text of a value from `parseJson`: bigint is written in plain digits. `value` must be a JSON value; with `indent`
 * it is laid out for people, by so many spaces.
 */
export function stringifyJson(value: unknown, indent = 0): string {
  return holdsBigInt(value) ? JSON.stringify(value, digitsOf, indent) : JSON.stringify(value, null, indent);
}

/** True when objects and arrays nest in one another more than `depth` times; recurses no deeper than that. */
export function nestsDeeper(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return depth === 0 || Object.values(value).some((inner) => nestsDeeper(inner, depth - 1));
}

function digitsOf(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? lossless.rawJSON(value.toString()) : value;
}

function holdsBigInt(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return typeof value === 'bigint';
  return Object.values(value).some(holdsBigInt);
}
