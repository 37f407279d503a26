/** What stands where a text held a character that Postgres cannot store. */
const replacement = '\uFFFD';

/** Half of a surrogate pair on its own: with the `u` flag a whole pair is one code point and does not match. */
const loneSurrogates = /\p{Surrogate}/gu;

/** The text with every U+0000 and every unpaired surrogate replaced by U+FFFD; clean text comes back as it is. */
export function sanitiseText(text: string): string {
  const wellFormed = text.isWellFormed() ? text : text.toWellFormed();
  return wellFormed.includes('\0') ? wellFormed.replaceAll('\0', replacement) : wellFormed;
}

/** How many characters of the text `sanitiseText` replaces. */
export function countUnstorable(text: string): number {
  let count = text.isWellFormed() ? 0 : (text.match(loneSurrogates)?.length ?? 0);
  for (let at = text.indexOf('\0'); at !== -1; at = text.indexOf('\0', at + 1)) count += 1;
  return count;
}

export interface SanitisedValue {
  readonly value: unknown;
  /** Characters replaced, in values and in member names. */
  readonly replacements: number;
}

/**
 * Cleans every text of a JSON value, member names included, as `sanitiseText` does. A clean value comes back as the same
 * object; recursion is as deep as the value (see `maxJsonDepth`).
 */
export function sanitiseValue(value: unknown): SanitisedValue {
  if (typeof value === 'string') {
    const replacements = countUnstorable(value);
    return { value: replacements === 0 ? value : sanitiseText(value), replacements };
  }
  if (typeof value !== 'object' || value === null) return { value, replacements: 0 };
  let replacements = 0;
  const clean = (inner: unknown): unknown => {
    const cleaned = sanitiseValue(inner);
    replacements += cleaned.replacements;
    return cleaned.value;
  };
  const copy = Array.isArray(value)
    ? value.map(clean)
    : // fromEntries defines members, so that one named "__proto__" stays a member.
      Object.fromEntries(Object.entries(value).map(([name, inner]) => [String(clean(name)), clean(inner)]));
  return { value: replacements === 0 ? value : copy, replacements };
}
