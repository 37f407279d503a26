import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readCount, readEmail, readId, readText } from './readings.ts';

const missing: readonly unknown[] = [undefined, null, '', ' ', '\t\r\n', '\u00A0\u2003\uFEFF'];

test('absent, null and blank values are missing, whatever is read', () => {
  for (const value of missing) {
    for (const read of [readText, readId, readEmail, readCount]) assert.equal(read(value), null);
  }
});

test('texts are trimmed and keep their case', () => {
  assert.equal(readText(' \uFEFFemailsSent\u2003 '), 'emailsSent');
  assert.equal(readText('a b'), 'a b');
  assert.equal(readText('\u200Ba'), '\u200Ba', 'a zero-width space is no white space');
});

test('what is not a string is no text', () => {
  for (const value of [5, 5n, true, {}, ['a']]) assert.equal(readText(value), null);
});

test('ids are strings or integers, in decimal', () => {
  const examples: readonly (readonly [unknown, string | null])[] = [
    ['act_Kp3', 'act_Kp3'],
    [' 12 ', '12'],
    ['007', '007'],
    [12, '12'],
    [-12, '-12'],
    [-0, '0'],
    [9_007_199_254_740_993n, '9007199254740993'],
    [1e21, '1000000000000000000000'],
    [1.5, null],
    [Number.NaN, null],
    [Number.POSITIVE_INFINITY, null],
    [true, null],
    [false, null],
    [{}, null],
    [['a'], null],
  ];
  for (const [value, id] of examples) assert.equal(readId(value), id);
});

test('emails are lower-cased without locale and without normalisation', () => {
  assert.equal(readEmail(' Mira@FJORD.example '), 'mira@fjord.example');
  assert.equal(readEmail('İ@x.example'), 'i\u0307@x.example');
  assert.equal(readEmail('I@x.example'), 'i@x.example');
  assert.equal(readEmail('O\u0308@x.example'), 'o\u0308@x.example');
  assert.equal(readEmail('ΣΑΣ@x.example'), 'σας@x.example');
  assert.equal(readEmail(12), null);
});

test('counts are whole numbers or digits', () => {
  const examples: readonly (readonly [unknown, number | null])[] = [
    [0, 0],
    [3, 3],
    ['3', 3],
    [' 03 ', 3],
    ['1874', 1_874],
    [2 ** 53, null],
    ['9007199254740991', 9_007_199_254_740_991],
    ['9007199254740993', null],
    [9_007_199_254_740_993n, null],
    [-1, null],
    ['-1', null],
    ['+1', null],
    ['1.0', null],
    ['1e3', null],
    ['٣', null],
    [0.5, null],
    [true, null],
    [{}, null],
  ];
  for (const [value, count] of examples) assert.equal(readCount(value), count, String(value));
  assert.ok(Object.is(readCount(-0), 0));
});

test('reading what was read gives the same', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 30 }), (text) => {
      for (const read of [readText, readId, readEmail]) assert.equal(read(read(text)), read(text));
    }),
  );
});

test('what is read holds nothing that Postgres cannot store', () => {
  const units = fc.constantFrom('\0', '\uD800', '\uDC00', '🚀', 'a', ' ');
  fc.assert(
    fc.property(fc.string({ unit: units, maxLength: 12 }), (text) => {
      const read = readText(text);
      assert.ok(read === null || (read.isWellFormed() && !read.includes('\0')));
    }),
  );
  assert.equal(readText('\0'), '\uFFFD');
});
