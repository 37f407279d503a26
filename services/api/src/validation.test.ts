import assert from 'node:assert/strict';
import { test } from 'node:test';
import Type from 'typebox';
import { ValidationError } from './errors.ts';
import { compileValidator } from './validation.ts';

const schema = Type.Object(
  {
    name: Type.String({ minLength: 1 }),
    count: Type.Optional(Type.Integer({ minimum: 1, description: 'a whole number, 1 or more' })),
    flag: Type.Optional(Type.Boolean()),
    size: Type.Optional(Type.Union([Type.Integer(), Type.Literal('auto')], { description: 'a number or "auto"' })),
    list: Type.Optional(Type.Union([Type.String(), Type.Array(Type.String())])),
    inner: Type.Optional(
      Type.Union([
        Type.Object({ rate: Type.Number(), retries: Type.Optional(Type.Integer()) }, { additionalProperties: false }),
        Type.Object({ lemlist: Type.Optional(Type.Object({ rate: Type.Number() })) }, { additionalProperties: false }),
      ]),
    ),
  },
  { additionalProperties: false },
);

type Outcome = { readonly value?: unknown; readonly error?: unknown };

function validate(httpPart: string, value: unknown): Outcome {
  const validator = compileValidator({ schema, method: 'POST', url: '/', httpPart });
  const outcome: Outcome = Object(validator(value));
  return outcome;
}

function pointersOf(outcome: Outcome): readonly string[] {
  assert.ok(outcome.error instanceof ValidationError);
  return outcome.error.faults.map((fault) => fault.pointer).toSorted();
}

test('bodies are not coerced', () => {
  assert.deepEqual(pointersOf(validate('body', { name: 5, count: '5', flag: 1, size: true })), [
    '/count',
    '/flag',
    '/name',
    '/size',
  ]);
});

test('in optional fields null and blanks count as missing, at any depth', () => {
  const { value } = validate('body', { name: 'a', count: null, size: ' ', inner: { rate: 1, retries: null } });
  assert.deepEqual(value, { name: 'a', inner: { rate: 1 } });
  assert.deepEqual(pointersOf(validate('body', { name: '' })), ['/name']);
});

test('unknown fields are named, with what was meant, in escaped pointers', () => {
  const outcome = validate('body', { name: 'a', Count: 1, 'a/b~c': null });
  assert.deepEqual(pointersOf(outcome), ['/Count', '/a~1b~0c']);
  assert.match(String(outcome.error), /did you mean "count"/);
});

test('names that every object inherits are unknown fields like any other', () => {
  const outcome = validate('body', JSON.parse('{"name":"a","__proto__":null,"constructor":null}'));
  assert.deepEqual(pointersOf(outcome), ['/__proto__', '/constructor']);
});

test('what fits no variant of a union is one fault that says what fits', () => {
  const outcome = validate('body', { name: 'a', size: 'big' });
  assert.match(String(outcome.error), /\/size: expected a number or "auto"/);
  for (const inner of [5, { rate: 1, lemlist: { rate: 1 } }])
    assert.deepEqual(pointersOf(validate('body', { name: 'a', inner })), ['/inner']);
});

test('in a variant of a union the fault itself is named, where it is plain which one was meant', () => {
  const places: readonly (readonly [object, readonly string[]])[] = [
    [{ inner: { rates: 3 } }, ['/inner/rates']],
    [{ inner: { rate: 'x' } }, ['/inner/rate']],
    [{ inner: { retries: 1 } }, ['/inner/rate']],
    [{ inner: { rate: 1, more: 1 } }, ['/inner/more']],
    [{ inner: { lemlist: { rate: 'x' } } }, ['/inner/lemlist/rate']],
    [{ list: ['a', 5] }, ['/list/1']],
  ];
  for (const [fields, pointers] of places)
    assert.deepEqual(pointersOf(validate('body', { name: 'a', ...fields })), pointers);
  assert.match(String(validate('body', { name: 'a', inner: { Rate: 3 } }).error), /\/inner\/Rate: .*"rate"/);
});

test('a body that is no object is one fault', () => {
  for (const value of [undefined, null, 1, 'x', []]) assert.deepEqual(pointersOf(validate('body', value)), ['']);
});

test('a blank in the path is a name like any other', () => {
  assert.deepEqual(validate('params', { name: ' ' }).value, { name: ' ' });
});

test('query parameters are text and read by their schema', () => {
  assert.deepEqual(validate('querystring', { name: 'a', count: '5', flag: 'true' }).value, {
    name: 'a',
    count: 5,
    flag: true,
  });
  for (const count of ['5.5', 'x', '1e3', '-1'])
    assert.deepEqual(pointersOf(validate('querystring', { name: 'a', count })), ['/count']);
  assert.deepEqual(pointersOf(validate('querystring', { name: ['a', 'b'] })), ['/name']);
});
