import type { Attribute, Option } from './attributes.ts';
import { nanoTime } from './attributes.ts';
import { readDomain, readEmail, readPhone } from './read-contact.ts';
import { Refusal, invalidValue } from './refusal.ts';
import type { Value } from './value.ts';

/** Finds records that values refer to. */
export interface References {
  /** The id of the record with this id, or with this value of a unique attribute; throws a Refusal without exactly one. */
  readonly resolve: (
    slug: string,
    reference: Readonly<Record<string, unknown>>,
  ) => { object: string; recordId: string };
}

const TEXT_BYTES = 10 * 1024 * 1024;
const ISO_TIME = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(Z|[+-]\d{2}:?\d{2})$/;
const ISO_DATE = /^\d{4}-\d{2}-\d{2}$/;

/**
 * Reads what a request gives for an attribute: a value, an array of values, or null (fact sheet, section 5).
 * @throws Refusal for what the attribute does not take.
 */
export function readValues(attribute: Attribute, given: unknown, references: References): readonly Value[] {
  if (!attribute.isWritable) {
    throw new Refusal(400, 'immutable_value', `Attribute "${attribute.slug}" is read-only and cannot be written to.`);
  }
  const list: readonly unknown[] = given === null ? [] : Array.isArray(given) ? given : [given];
  if (list.length > 1 && !attribute.isMultiselect) throw invalidValue(attribute.slug, 'a single value', given);
  const values = new Map<string, Value>();
  for (const one of list) {
    const value = readOne(attribute, one, references);
    if (!values.has(value.key)) values.set(value.key, value);
  }
  return [...values.values()];
}

function readOne(attribute: Attribute, given: unknown, references: References): Value {
  const { slug } = attribute;
  const refuse = (expected: string): Refusal => invalidValue(slug, expected, given);
  switch (attribute.type) {
    case 'email-address':
      return readEmail(given) ?? fail(refuse('an email address'));
    case 'domain':
      return readDomain(given) ?? fail(refuse('a domain'));
    case 'phone-number':
      return readPhone(given) ?? fail(refuse('a phone number'));
    case 'personal-name':
      return readName(given) ?? fail(refuse('a name with first_name, last_name and full_name'));
    case 'text':
      return readText(unwrapped(given, 'value')) ?? fail(refuse('string'));
    case 'number':
    case 'rating':
    case 'currency':
      return readNumber(attribute, given) ?? fail(refuse('number'));
    case 'checkbox': {
      const value = unwrapped(given, 'value');
      return typeof value === 'boolean' ? simple(value) : fail(refuse('boolean'));
    }
    case 'date': {
      const value = unwrapped(given, 'value');
      return typeof value === 'string' && ISO_DATE.test(value) && isDay(value) ? simple(value) : fail(refuse('date'));
    }
    case 'timestamp':
      return readTimestamp(unwrapped(given, 'value')) ?? fail(refuse('timestamp'));
    case 'select':
      return readOption(attribute, unwrapped(given, 'option'), 'select option');
    case 'status':
      return readOption(attribute, unwrapped(given, 'status'), 'Status');
    case 'record-reference':
      return readReference(slug, given, references) ?? fail(refuse('a reference to a record'));
    default:
      // Locations and actors are nothing this simulator looks into.
      return isObject(given) ? { key: JSON.stringify(given), plain: given, fields: given } : fail(refuse('object'));
  }
}

function fail(refusal: Refusal): never {
  throw refusal;
}

function simple(value: string | number | boolean): Value {
  return { key: String(value), plain: value, fields: { value } };
}

function unwrapped(given: unknown, name: string): unknown {
  return isObject(given) && Object.hasOwn(given, name) ? given[name] : given;
}

function readText(value: unknown): Value | null {
  return typeof value === 'string' && Buffer.byteLength(value) <= TEXT_BYTES ? simple(value) : null;
}

function readNumber(attribute: Attribute, given: unknown): Value | null {
  if (attribute.type === 'currency') {
    const value = unwrapped(given, 'currency_value');
    return typeof value === 'number' ? { key: String(value), plain: value, fields: { currency_value: value } } : null;
  }
  const value = unwrapped(given, 'value');
  if (typeof value !== 'number' || !Number.isFinite(value)) return null;
  if (attribute.type === 'rating' && !(Number.isInteger(value) && value >= 0 && value <= 5)) return null;
  return simple(value);
}

/** A name is `"Last, First"`, or an object with all three parts. */
function readName(given: unknown): Value | null {
  let parts: { first_name: string; last_name: string; full_name: string };
  if (typeof given === 'string') {
    const comma = given.indexOf(',');
    const first = (comma < 0 ? given : given.slice(comma + 1)).trim();
    const last = comma < 0 ? '' : given.slice(0, comma).trim();
    parts = { first_name: first, last_name: last, full_name: [first, last].filter((part) => part !== '').join(' ') };
  } else {
    if (!isObject(given)) return null;
    const { first_name: first, last_name: last, full_name: full } = given;
    if (typeof first !== 'string' || typeof last !== 'string' || typeof full !== 'string') return null;
    parts = { first_name: first, last_name: last, full_name: full };
  }
  return { key: JSON.stringify(parts), plain: parts.full_name, fields: parts };
}

/** Any zone in, UTC with nanoseconds out. */
function readTimestamp(given: unknown): Value | null {
  const match = typeof given === 'string' ? ISO_TIME.exec(given) : null;
  if (match === null) return null;
  const [, year, month, day, hour, minute, second = '00', fraction = '', zone = 'Z'] = match;
  if (!isDay(`${year}-${month}-${day}`)) return null;
  const wholeZone = zone === 'Z' || zone.includes(':') ? zone : `${zone.slice(0, 3)}:${zone.slice(3)}`;
  const ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}${wholeZone}`);
  if (Number.isNaN(ms)) return null;
  const text = nanoTime(ms).replace('.000000000Z', `.${fraction.padEnd(9, '0')}Z`);
  return simple(text);
}

function isDay(text: string): boolean {
  const at = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(text);
}

/** Options are never made on the way. */
function readOption(attribute: Attribute, given: unknown, what: string): Value {
  if (typeof given !== 'string') throw invalidValue(attribute.slug, 'a title or an id', given);
  const found = attribute.options.find(({ id, title }) => title === given || id === given);
  if (found === undefined) throw new Refusal(400, 'value_not_found', `Cannot find ${what} with title "${given}".`);
  return {
    key: found.id,
    plain: found.title,
    fields: { [attribute.type === 'status' ? 'status' : 'option']: shown(found) },
  };
}

function shown({ id, title }: Option): object {
  return { id, title, is_archived: false };
}

function readReference(slug: string, given: unknown, references: References): Value | null {
  if (!isObject(given) || typeof given['target_object'] !== 'string') return null;
  const { object, recordId } = references.resolve(slug, given);
  return { key: recordId, plain: recordId, fields: { target_object: object, target_record_id: recordId } };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
