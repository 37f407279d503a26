import fc from 'fast-check';
import type { Schema } from './document.ts';

/** Values of a field by its name, where a schema says less than the field means. */
export type Hints = Readonly<Record<string, fc.Arbitrary<unknown>>>;

const hugeText = fc.constantFrom(300, 3_000, 70_000).map((length) => 'x'.repeat(length));

/** Texts that have broken programs before: blanks, NUL, halves of characters, markup, other scripts, very long ones. */
export const nastyText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '',
    ' ',
    '\u0000',
    'a\u0000b',
    '\uD800',
    '\uFFFF',
    '\u202Etxt',
    'İı',
    "'; drop table jobs; --",
    '%00',
    '%',
    '../../etc/passwd',
    '{"a":1}',
    '__proto__',
    'constructor',
    'null',
    'true',
    '-1',
    '1e400',
    '9223372036854775808',
    '2024-02-30',
    '2024-01-01T25:00:00Z',
    '+275760-09-13T00:00:00.000Z',
    '-000001-01-01',
    '0000-01-01',
    '9999-12-31',
  ),
  { arbitrary: hugeText, weight: 1 },
);

/** Anything that JSON can hold, none of it a namespace by chance. */
const junk: fc.Arbitrary<unknown> = fc.oneof(
  nastyText.map((text) => `${text}!`),
  fc.constantFrom(null, true, false, 0, -1, 1.5, 5e-324, 1e308, 2 ** 53, -(2 ** 63), [], {}, [[]], [null], ['!'], [{}]),
  fc.constantFrom(100, 2_000).map((depth) => {
    let value: unknown = 1;
    for (let level = 0; level < depth; level += 1) value = [value];
    return value;
  }),
  fc.constant(Object.fromEntries([['__proto__!', 1]])),
);

/** Values that a schema allows. */
export function valid(schema: Schema, hints: Hints, name = ''): fc.Arbitrary<unknown> {
  const hint = hints[name];
  if (hint !== undefined) return hint;
  if (Array.isArray(schema['enum'])) return fc.constantFrom(...(schema['enum'] as readonly unknown[]));
  if ('const' in schema) return fc.constant(schema['const']);
  const anyOf = schema['anyOf'];
  if (Array.isArray(anyOf)) return fc.oneof(...(anyOf as readonly Schema[]).map((one) => valid(one, hints)));
  switch (schema['type']) {
    case 'string':
      return validText(schema);
    case 'integer':
      return fc.oneof(
        fc.integer({ min: least(schema), max: Math.min(most(schema), least(schema) + 100) }),
        fc.constantFrom(least(schema), most(schema)),
      );
    case 'number':
      return fc.double({ min: Math.max(least(schema), 1e-6), max: most(schema), noNaN: true });
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'array':
      return fc.array(valid(objectOf(schema['items']), hints), {
        minLength: numberOf(schema['minItems'], 0),
        maxLength: Math.min(numberOf(schema['maxItems'], 4), 4),
      });
    case 'object': {
      const properties = Object.entries(objectOf(schema['properties']));
      const required = Array.isArray(schema['required']) ? schema['required'].map(String) : [];
      const model = Object.fromEntries(properties.map(([key, one]) => [key, valid(objectOf(one), hints, key)]));
      const names = Object.keys(model);
      const whole = fc.record(model, { requiredKeys: required, noNullPrototype: true });
      // Few of what may be left out: of many, one is always wrong together with the others.
      return fc
        .tuple(whole, fc.shuffledSubarray(names, { maxLength: Math.min(3, names.length) }))
        .map(([value, kept]) => {
          const wanted = new Set([...required, ...kept]);
          return Object.fromEntries(Object.entries(value).filter(([key]) => wanted.has(key)));
        });
    }
    default:
      throw new Error(`no values for a schema of ${JSON.stringify(schema).slice(0, 200)}`);
  }
}

/** Values that a schema allows, and such as miss it by one thing at most places; now and then something else altogether. */
export function nearly(schema: Schema, hints: Hints): fc.Arbitrary<unknown> {
  const right = valid(schema, hints);
  const missed = fc.tuple(right, fc.nat(), outOf(schema), fc.constantFrom(...slips)).map(([value, at, odd, slip]) => {
    if (!isObject(value)) return odd;
    const names = Object.keys({ ...objectOf(schema['properties']), ...value });
    return slip(value, names[at % Math.max(1, names.length)] ?? 'x', odd);
  });
  return fc.oneof({ arbitrary: right, weight: 4 }, { arbitrary: missed, weight: 4 }, { arbitrary: junk, weight: 1 });
}

type Slip = (value: Schema, name: string, odd: unknown) => unknown;

/** One thing each that goes wrong with an object. */
const slips: readonly Slip[] = [
  (value, name, odd) => ({ ...value, [name]: odd }),
  (value, name, odd) => ({ ...value, [name]: odd }),
  (value, name) => Object.fromEntries(Object.entries(value).filter(([key]) => key !== name)),
  (value, name, odd) => ({ ...value, [`${name.toLowerCase()}_`]: odd }),
  (value, name) => ({ ...value, [name]: [value[name]] }),
  (value, name) => ({ ...value, [name]: `${JSON.stringify(value[name]) ?? ''}!` }),
  (value) => [value],
];

/** Values just outside of what numbers and texts in a schema allow, and junk. */
function outOf(schema: Schema): fc.Arbitrary<unknown> {
  const edges: unknown[] = [];
  const walk = (part: unknown): void => {
    if (!isObject(part)) return;
    for (const name of ['minimum', 'exclusiveMinimum']) {
      const bound = part[name];
      if (typeof bound === 'number') edges.push(bound - 1, bound - 0.5, String(bound));
    }
    for (const name of ['maximum', 'exclusiveMaximum']) {
      const bound = part[name];
      if (typeof bound === 'number') edges.push(bound + 1, bound + 0.5, bound * 10);
    }
    for (const name of ['maxLength', 'maxItems']) {
      const bound = part[name];
      if (typeof bound === 'number')
        edges.push(
          '!'.repeat(bound + 1),
          Array.from({ length: bound + 1 }, () => '!'),
        );
    }
    for (const inner of Object.values(part)) for (const one of [inner].flat()) walk(one);
  };
  walk(schema);
  return edges.length === 0 ? junk : fc.oneof(junk, fc.constantFrom(...edges));
}

function validText(schema: Schema): fc.Arbitrary<string> {
  const pattern = schema['pattern'];
  if (typeof pattern === 'string') return fc.stringMatching(new RegExp(pattern));
  const longest = numberOf(schema['maxLength'], 1_000);
  const fits = nastyText.filter((text) => text.length >= numberOf(schema['minLength'], 0) && text.length <= longest);
  return fc.oneof(fits, fc.string({ minLength: 1, maxLength: 20 }));
}

const least = (schema: Schema): number => numberOf(schema['minimum'], numberOf(schema['exclusiveMinimum'], -1_000));
const most = (schema: Schema): number => numberOf(schema['maximum'], 2 ** 31);

function numberOf(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise;
}

function objectOf(value: unknown): Schema {
  return isObject(value) ? value : {};
}

function isObject(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
