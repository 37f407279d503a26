import { parseIso } from '../core/timeline.ts';

/** A request the validation refused; the answer is the 400 of the Smartlead fact sheet, section 4. */
export class InvalidQuery extends Error {
  readonly key: string;

  constructor(key: string, rule: string) {
    super(`"${key}" ${rule}`);
    this.key = key;
  }
}

/** What a parameter may hold. */
export type Rule =
  | { readonly type: 'integer'; readonly min: number; readonly max?: number }
  | { readonly type: 'boolean' }
  | { readonly type: 'text' }
  | { readonly type: 'date' }
  | { readonly type: 'oneOf'; readonly values: readonly string[] };

/** Validated parameters; dates are epoch ms. */
export interface Query {
  readonly number: (key: string) => number | undefined;
  readonly text: (key: string) => string | undefined;
  readonly flag: (key: string) => boolean;
}

/**
 * Validates a query the way the platform's Joi schemas do: unknown parameters are refused, not ignored.
 * @throws InvalidQuery naming the first parameter at fault.
 */
export function readQuery(raw: unknown, rules: Readonly<Record<string, Rule>>): Query {
  const numbers = new Map<string, number>();
  const texts = new Map<string, string>();
  const flags = new Map<string, boolean>();
  const given = Object.entries((raw ?? {}) as Record<string, unknown>);
  for (const [key, value] of given) {
    const rule = rules[key];
    if (rule === undefined) {
      if (key === 'api_key') continue;
      throw new InvalidQuery(key, 'is not allowed');
    }
    if (rule.type === 'integer') numbers.set(key, readInteger(key, value, rule));
    else if (rule.type === 'date') numbers.set(key, readDate(key, value));
    else if (rule.type === 'boolean') flags.set(key, readBoolean(key, value));
    else texts.set(key, readText(key, value, rule.type === 'oneOf' ? rule.values : null));
  }
  return {
    number: (key) => numbers.get(key),
    text: (key) => texts.get(key),
    flag: (key) => flags.get(key) ?? false,
  };
}

function readInteger(key: string, value: unknown, rule: { readonly min: number; readonly max?: number }): number {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN;
  if (!Number.isFinite(number)) throw new InvalidQuery(key, 'must be a number');
  if (!Number.isInteger(number)) throw new InvalidQuery(key, 'must be an integer');
  if (number < rule.min) throw new InvalidQuery(key, `must be greater than or equal to ${rule.min}`);
  if (rule.max !== undefined && number > rule.max)
    throw new InvalidQuery(key, `must be less than or equal to ${rule.max}`);
  return number;
}

function readDate(key: string, value: unknown): number {
  const time = typeof value === 'string' ? parseIso(value) : null;
  if (time === null) throw new InvalidQuery(key, 'must be in ISO 8601 date format');
  return time;
}

function readBoolean(key: string, value: unknown): boolean {
  if (value !== 'true' && value !== 'false') throw new InvalidQuery(key, 'must be a boolean');
  return value === 'true';
}

function readText(key: string, value: unknown, values: readonly string[] | null): string {
  if (typeof value !== 'string') throw new InvalidQuery(key, 'must be a string');
  if (value === '') throw new InvalidQuery(key, 'is not allowed to be empty');
  if (values !== null && !values.includes(value)) throw new InvalidQuery(key, `must be one of [${values.join(', ')}]`);
  return value;
}
