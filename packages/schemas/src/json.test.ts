import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { maxJsonDepth, nestsDeeper, parseJson, stringifyJson } from './json.ts';

test('integers beyond 2^53 keep all their digits', () => {
  const text = '{"id":9007199254740993,"list":[-12345678901234567890,1],"nested":{"n":18446744073709551615}}';
  assert.deepEqual(parseJson(text), {
    id: 9_007_199_254_740_993n,
    list: [-12_345_678_901_234_567_890n, 1],
    nested: { n: 18_446_744_073_709_551_615n },
  });
  assert.equal(stringifyJson(parseJson(text)), text);
});

test('numbers that a double holds stay numbers, also beside larger ones', () => {
  assert.deepEqual(parseJson('[9007199254740991,1.5,0.1234567890123456789,1e3,12345678901234567890]'), [
    9_007_199_254_740_991,
    1.5,
    0.123_456_789_012_345_68,
    1_000,
    12_345_678_901_234_567_890n,
  ]);
});

test('long runs of digits in texts change nothing', () => {
  const text = '{"card":"1234567890123456","n":5}';
  assert.deepEqual(parseJson(text), { card: '1234567890123456', n: 5 });
});

test('any JSON value survives being written and read', () => {
  const values = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.jsonValue(),
      fc.bigInt({ min: 2n ** 53n, max: 2n ** 80n }),
      fc.bigInt({ min: -(2n ** 80n), max: -(2n ** 53n) }),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(fc.string(), tie('value'), { maxKeys: 4 }),
    ),
  })).value;
  fc.assert(
    fc.property(values, (value) => {
      const text = stringifyJson(value);
      assert.equal(stringifyJson(parseJson(text)), text);
    }),
  );
});

test('what is not JSON is refused', () => {
  for (const text of ['', '{', 'undefined', '{"a":1}x', "{'a':1}", '"\u0000"', '12345678901234567890,']) {
    assert.throws(() => parseJson(text), SyntaxError);
  }
});

test('depth is measured to the level', () => {
  const nested = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth));
  assert.equal(nestsDeeper(nested(3), 3), false);
  assert.equal(nestsDeeper(nested(4), 3), true);
  assert.equal(nestsDeeper({ a: { b: [1] } }, 2), true);
  assert.equal(nestsDeeper('text', 0), false);
  assert.equal(nestsDeeper(nested(200_000), maxJsonDepth), true, 'without running out of stack');
});

test('nesting too deep to be read losslessly is a RangeError and not a crash', () => {
  const text = `${'['.repeat(200_000)}12345678901234567890${']'.repeat(200_000)}`;
  assert.throws(() => parseJson(text), RangeError);
});
