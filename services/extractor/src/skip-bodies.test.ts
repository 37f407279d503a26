import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { stripRecord } from '@full-sync/schemas';
import { textWithoutBodies } from './skip-bodies.ts';

const strip = (value: unknown): unknown => stripRecord(value, { storeMessageBodies: false });
const skipped = (text: string): string => textWithoutBodies(Buffer.from(text));

test('law: a row without its bodies strips to the same record as the row itself', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      '"email_message":"x',
      '\\"email_message":',
      '\\',
      '"',
      '\\"',
      'email_message',
      ' "email_message" : "',
    ),
  );
  const name = fc.oneof({ weight: 2, arbitrary: fc.constant('email_message') }, text);
  const value = fc.letrec((tie) => ({
    any: fc.oneof({ maxDepth: 3 }, text, fc.integer(), fc.constant(null), fc.array(tie('any')), tie('record')),
    record: fc.array(fc.tuple(name, tie('any')), { maxLength: 5 }).map((entries) => Object.fromEntries(entries)),
  })).record;
  fc.assert(
    fc.property(value, fc.constantFrom(undefined, 1), (record, indent) => {
      const row = JSON.stringify(record, null, indent);
      assert.deepEqual(strip(JSON.parse(skipped(row))), strip(JSON.parse(row)));
    }),
    { numRuns: 500 },
  );
});

test('leaves a body out of the text, whatever quotes and backslashes it ends with', () => {
  for (const body of ['', 'plain', '<a href="x">', 'ends in \\', 'ends in \\"', '\\\\"', 'ü€𝄞']) {
    const text = skipped(JSON.stringify({ a: 1, email_message: body, b: '"email_message":"kept"' }));
    assert.deepEqual(JSON.parse(text), { a: 1, email_message: '', b: '"email_message":"kept"' });
  }
});

test('a row cut off within its body stays no JSON', () => {
  assert.throws(() => JSON.parse(skipped('{"email_message":"cut \\"')), SyntaxError);
});
