import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { countUnstorable, sanitiseText, sanitiseValue } from './text.ts';

const dirtyText = fc.string({ unit: fc.constantFrom('\0', '\uD83D', '\uDE80', '\uFFFD', 'a', 'é'), maxLength: 12 });

test('U+0000 and unpaired surrogates become U+FFFD, pairs stay', () => {
  assert.equal(sanitiseText('a\0b'), 'a\uFFFDb');
  assert.equal(sanitiseText('\uD83D'), '\uFFFD');
  assert.equal(sanitiseText('\uDE80\uD83D'), '\uFFFD\uFFFD');
  assert.equal(sanitiseText('🚀'), '🚀');
  assert.equal(countUnstorable('🚀\0\uDE80\uD83D\0'), 4);
  assert.equal(countUnstorable('🚀\uFFFD'), 0);
});

test('a text is as long as before, and differs in just the places counted', () => {
  fc.assert(
    fc.property(dirtyText, (text) => {
      const clean = sanitiseText(text);
      assert.ok(clean.isWellFormed() && !clean.includes('\0'));
      assert.equal(clean.length, text.length);
      const cleaned = Array.from(clean);
      const changed = Array.from(text).filter((unit, index) => unit !== cleaned[index]).length;
      assert.equal(countUnstorable(text), changed);
      assert.equal(sanitiseText(clean), clean);
    }),
  );
});

test('a value is cleaned at any depth, in member names too, and every replacement is counted', () => {
  const value: unknown = JSON.parse(
    '{"a\\u0000":["x",{"b":"\\ud800\\u0000"}],"n":1,"t":true,"z":null,"e":"\\ud83d\\ude80"}',
  );
  assert.deepEqual(sanitiseValue(value), {
    value: { 'a\uFFFD': ['x', { b: '\uFFFD\uFFFD' }], n: 1, t: true, z: null, e: '🚀' },
    replacements: 3,
  });
});

test('a clean value comes back as the same object', () => {
  const value: unknown = JSON.parse('{"a":["x",{"b":"y"}]}');
  const cleaned = sanitiseValue(value);
  assert.equal(cleaned.value, value);
  assert.equal(cleaned.replacements, 0);
});

test('a member named __proto__ stays a member', () => {
  const value: unknown = JSON.parse('{"__proto__":{"a":"\\u0000"}}');
  assert.equal(JSON.stringify(sanitiseValue(value).value), '{"__proto__":{"a":"\uFFFD"}}');
});

test('cleaning any JSON value twice changes nothing more', () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
      const once = sanitiseValue(value);
      assert.deepEqual(sanitiseValue(once.value), { value: once.value, replacements: 0 });
    }),
  );
});
