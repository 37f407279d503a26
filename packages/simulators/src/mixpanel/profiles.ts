import { isBannedId } from './check-event.ts';

type Values = Readonly<Record<string, unknown>>;

/** One accepted update, in the order it came. */
export interface ProfileUpdate {
  readonly serial: number;
  /** Epoch ms of the server's clock. */
  readonly at: number;
  readonly distinctId: string;
  readonly operator: string;
  readonly value: unknown;
}

const OPERATORS = ['$set', '$set_once', '$add', '$union', '$append', '$remove', '$unset', '$delete'] as const;
type Operator = (typeof OPERATORS)[number];

const UPDATE_BYTES = 1024 * 1024;
const NESTED_BYTES = 256 * 1024;

/** The people of one project (fact sheet, section 11): no deduplication, no condition, the last update wins. */
export class ProfileStore {
  private readonly profiles = new Map<string, Record<string, unknown>>();
  private readonly log: ProfileUpdate[] = [];

  /** Applies an update, or says why it is refused. */
  apply(update: unknown, context: { readonly at: number; readonly withPlace: boolean }): string | null {
    const problem = problemOf(update);
    if (problem !== null) return problem;
    const given = update as Values;
    const distinctId = String(given['$distinct_id']);
    for (const operator of OPERATORS) {
      if (!Object.hasOwn(given, operator)) continue;
      const value = given[operator];
      this.log.push({ serial: this.log.length, at: context.at, distinctId, operator, value });
      if (operator === '$delete') {
        this.profiles.delete(distinctId);
        continue;
      }
      const profile = this.profiles.get(distinctId) ?? {};
      this.profiles.set(distinctId, profile);
      change(profile, operator, value);
      if (given['$ignore_time'] !== true) profile['$last_seen'] = new Date(context.at).toISOString().slice(0, 19);
      if (context.withPlace && String(given['$ip']) !== '0') profile['$city'] = 'where the sender stands';
    }
    return null;
  }

  /** The properties of every person. */
  all(): ReadonlyMap<string, Values> {
    return this.profiles;
  }

  updates(): readonly ProfileUpdate[] {
    return this.log;
  }

  clear(): void {
    this.profiles.clear();
    this.log.length = 0;
  }
}

function problemOf(update: unknown): string | null {
  if (!isObject(update)) return 'update must be an object';
  const id = update['$distinct_id'];
  if (id === undefined || id === '') return "missing required value for '$distinct_id'";
  if (typeof id !== 'string' && typeof id !== 'number') return "'$distinct_id' must be a string";
  if (isBannedId(String(id))) return `'$distinct_id' must not be one of the disallowed values: ${id}`;
  const present = OPERATORS.filter((operator) => Object.hasOwn(update, operator));
  if (present.length === 0) return 'no update operation was given';
  if (Buffer.byteLength(JSON.stringify(update)) > UPDATE_BYTES) return 'update must be at most 1 MB';
  for (const operator of present) {
    const problem = operandProblem(operator, update[operator]);
    if (problem !== null) return `'${operator}' is invalid: ${problem}`;
  }
  return null;
}

function operandProblem(operator: Operator, value: unknown): string | null {
  if (operator === '$delete') return null;
  if (operator === '$unset') return Array.isArray(value) ? null : 'must be a list of names';
  if (!isObject(value)) return 'must be an object';
  for (const [name, operand] of Object.entries(value)) {
    if (operator === '$add' && typeof operand !== 'number') return `${name} must be a number`;
    if (operator === '$union' && !Array.isArray(operand)) return `${name} must be a list`;
    const isNested = typeof operand === 'object' && operand !== null;
    if (isNested && Buffer.byteLength(JSON.stringify(operand)) > NESTED_BYTES) return `${name} must be at most 256 KB`;
  }
  return null;
}

function change(profile: Record<string, unknown>, operator: Operator, operand: unknown): void {
  if (operator === '$unset') {
    for (const name of operand as readonly string[]) delete profile[name];
    return;
  }
  for (const [name, value] of Object.entries(operand as Values)) {
    const list = Array.isArray(profile[name]) ? (profile[name] as readonly unknown[]) : [];
    if (operator === '$set') profile[name] = value;
    else if (operator === '$set_once') profile[name] ??= value;
    else if (operator === '$add') profile[name] = (Number(profile[name]) || 0) + (value as number);
    else if (operator === '$append') profile[name] = [...list, value];
    else if (operator === '$union') profile[name] = [...new Set([...list, ...(value as readonly unknown[])])];
    else if (operator === '$remove') profile[name] = list.filter((element) => element !== value);
  }
}

function isObject(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
