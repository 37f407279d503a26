import { isUtf8 } from 'node:buffer';
import type { StoredEvent } from './event-store.ts';
import type { MixpanelSettings } from './options.ts';

/** Why a record is refused, as `failed_records` says it. */
export interface RecordFault {
  readonly field: string;
  readonly message: string;
}

export type Checked =
  | { readonly kind: 'stored'; readonly event: Omit<StoredEvent, 'serial'> }
  | { readonly kind: 'ignored' }
  | { readonly kind: 'refused'; readonly insertId: string; readonly fault: RecordFault };

type Properties = Readonly<Record<string, unknown>>;

const FLOOR_MS = Date.UTC(1971, 0, 1);
const AHEAD_MS = 3_600_000;
/** Below it a number of seconds, from it on milliseconds. */
const SECONDS_BELOW = 1e11;
const EVENT_BYTES = 1024 * 1024;
const NESTED_BYTES = 8 * 1024;
const MOST = 255;
const TEXT_LENGTH = 255;
const DEPTH = 3;

const BANNED_IDS: ReadonlySet<string> = new Set([
  '00000000-0000-0000-0000-000000000000',
  'anon',
  'anonymous',
  'nil',
  'none',
  'null',
  'n/a',
  'na',
  'undefined',
  'unknown',
  '<nil>',
  '0',
  '-1',
  'true',
  'false',
  '[]',
  '{}',
]);

export const IDENTITY_EVENTS: ReadonlySet<string> = new Set(['$identify', '$create_alias', '$merge']);

/** Whether an id is one of those that no person may have (fact sheet, section 5). */
export function isBannedId(id: string): boolean {
  return BANNED_IDS.has(id.toLowerCase());
}

/** Judges one record of `/import` by the rules of section 5, in the order event, time, person, insert id, properties. */
export function checkEvent(
  record: unknown,
  context: { readonly settings: MixpanelSettings; readonly now: number; readonly isLatin1: boolean },
): Checked {
  const { settings, now } = context;
  const given = isObject(record) ? record : {};
  const raw = isObject(given['properties']) ? given['properties'] : {};
  const insertId = typeof raw['$insert_id'] === 'string' ? raw['$insert_id'] : '';
  const refused = (field: string, message: string): Checked => ({
    kind: 'refused',
    insertId,
    fault: { field, message },
  });

  if (context.isLatin1) {
    const bad = Object.entries(raw).find(([, value]) => hasBrokenText(value));
    if (bad !== undefined)
      return refused(`properties.${bad[0]}`, `'properties.${bad[0]}' is invalid: string should be valid utf8`);
  }
  const properties = context.isLatin1 ? (decoded(raw) as Properties) : raw;
  const event = given['event'];
  if (typeof event !== 'string' || event.trim() === '') return refused('event', "'event' must not be missing or blank");
  const time = readTime(properties['time'], now);
  if (typeof time === 'string') return refused('properties.time', `'properties.time' is invalid: ${time}`);
  const distinctId = readPerson(properties, settings.idMerge);
  if (typeof distinctId === 'object') {
    return refused('properties.distinct_id', `'properties.distinct_id' is invalid: ${distinctId.problem}`);
  }
  const idProblem = insertIdProblem(properties['$insert_id']);
  if (idProblem !== null) return refused('$insert_id', `'$insert_id' is invalid: ${idProblem}`);
  const fault = propertiesFault(properties, record) ?? ruleFault(properties, settings);
  if (fault !== null) return refused(fault.field, fault.message);
  if (properties['$ignore'] === true) return { kind: 'ignored' };
  return { kind: 'stored', event: { event, distinctId, time, insertId, properties: JSON.stringify(kept(properties)) } };
}

/** Bytes of a record as JSON; 1 MB or more is too much. */
export function isOversized(record: unknown): boolean {
  const text = JSON.stringify(record) ?? '';
  return text.length >= EVENT_BYTES / 3 && Buffer.byteLength(text) >= EVENT_BYTES;
}

function readTime(value: unknown, now: number): number | string {
  if (value === undefined || value === null) return 'must not be missing';
  if (typeof value !== 'number' || !Number.isFinite(value)) return 'must be specified as seconds since epoch';
  const ms = Math.trunc(Math.abs(value) < SECONDS_BELOW ? value * 1000 : value);
  if (ms < FLOOR_MS) return 'must not be before 1971-01-01';
  if (ms > now + AHEAD_MS) return 'must not be in the future';
  return Math.min(ms, now);
}

function readPerson(properties: Properties, idMerge: 'simplified' | 'original'): string | { readonly problem: string } {
  const text = (name: string): string | undefined => {
    const value = properties[name];
    return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
      ? String(value)
      : undefined;
  };
  const user = text('$user_id');
  const device = text('$device_id');
  const derived =
    idMerge === 'original' ? undefined : (user ?? (device === undefined ? undefined : `$device:${device}`));
  const id = derived ?? text('distinct_id');
  if (id === undefined) return idMerge === 'original' ? { problem: 'must not be missing' } : 'hash-of-the-senders-ip';
  if (isBannedId(id)) return { problem: `must not be one of the disallowed values: ${id}` };
  return id;
}

function insertIdProblem(value: unknown): string | null {
  if (value === undefined || value === null || value === '') return 'must not be missing';
  if (typeof value !== 'string') return 'must be a string';
  if (Buffer.byteLength(value) > 36) return 'must not be longer than 36 bytes';
  if (!/^[A-Za-z0-9-]+$/.test(value)) return "must only contain alphanumeric or hyphen '-' characters";
  return isBannedId(value) ? `must not be one of the disallowed values: ${value}` : null;
}

function propertiesFault(properties: Properties, record: unknown): RecordFault | null {
  if (Object.keys(properties).length >= MOST) {
    return { field: 'properties', message: `'properties' is invalid: must have fewer than ${MOST} properties` };
  }
  if (isOversized(record)) return { field: '', message: 'event must be smaller than 1 MB' };
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value !== 'object' || value === null) continue;
    const problem = nestedProblem(value, 1);
    const isLarge = Buffer.byteLength(JSON.stringify(value)) > NESTED_BYTES;
    if (problem === null && !isLarge) continue;
    const message = problem ?? `list or object must not be larger than ${NESTED_BYTES} bytes`;
    return { field: `properties.${name}`, message: `'properties.${name}' is invalid: ${message}` };
  }
  return null;
}

function nestedProblem(value: object, depth: number): string | null {
  if (depth > DEPTH) return `must not be nested more than ${DEPTH} levels deep`;
  const inside: readonly unknown[] = Array.isArray(value) ? value : Object.values(value);
  if (inside.length >= MOST) return `must have fewer than ${MOST} ${Array.isArray(value) ? 'elements' : 'keys'}`;
  for (const element of inside) {
    const problem = typeof element === 'object' && element !== null ? nestedProblem(element, depth + 1) : null;
    if (problem !== null) return problem;
  }
  return null;
}

function ruleFault(properties: Properties, settings: MixpanelSettings): RecordFault | null {
  for (const { property, value, message } of settings.refusals) {
    const has = Object.hasOwn(properties, property) && (value === undefined || properties[property] === value);
    if (has) return { field: `properties.${property}`, message: `'properties.${property}' is invalid: ${message}` };
  }
  return null;
}

/** What is kept beside the four of the tuple: long texts cut, the address dropped after its place was looked up. */
function kept(properties: Properties): Properties {
  const { time: _time, distinct_id: _person, $insert_id: _id, ip, ...others } = properties;
  const place = ip === 0 || ip === '0' ? {} : { $city: 'where the sender stands' };
  return { ...(cut(others) as Properties), ...place };
}

function cut(value: unknown): unknown {
  if (typeof value === 'string') return value.length > TEXT_LENGTH ? value.slice(0, TEXT_LENGTH) : value;
  if (Array.isArray(value)) return value.map(cut);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, cut(inner)]));
}

function hasBrokenText(value: unknown): boolean {
  if (typeof value === 'string') return !isUtf8(Buffer.from(value, 'latin1'));
  return typeof value === 'object' && value !== null && Object.values(value).some(hasBrokenText);
}

function decoded(value: unknown): unknown {
  if (typeof value === 'string') return Buffer.from(value, 'latin1').toString('utf8');
  if (Array.isArray(value)) return value.map(decoded);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [String(decoded(name)), decoded(inner)]));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
