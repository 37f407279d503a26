import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { askedWaitMs, maxWaitMs, nextWaitMs, parseRateHeaders, parseReset, parseRetryAfter } from './wait.ts';

const now = Date.parse('2026-10-01T20:57:00Z');

test('Retry-After is read in every form it comes in', () => {
  const cases: readonly (readonly [string | undefined, number | undefined])[] = [
    ['0', 0],
    ['30', 30_000],
    [' 2 ', 2000],
    ['0.651', 651],
    ['0.0004', 1],
    ['Thu, 01 Oct 2026 20:57:30 GMT', 30_000],
    ['Thursday, 01-Oct-26 20:57:30 GMT', 30_000],
    ['Thu Oct  1 20:57:30 2026', 30_000],
    ['Thu, 01 Oct 2026 20:56:30 GMT', 0],
    ['99999999', maxWaitMs],
    ['Thu, 01 Oct 2099 20:57:30 GMT', maxWaitMs],
    [undefined, undefined],
    ['', undefined],
    ['soon', undefined],
    ['-5', undefined],
    ['1e3', undefined],
    ['abc 1', undefined],
    ['NaN', undefined],
    ['Infinity', undefined],
  ];
  for (const [text, expected] of cases) assert.equal(parseRetryAfter(text, now), expected, String(text));
});

test('X-RateLimit-Reset is read as an instant in every form it comes in', () => {
  const at = Date.parse('2026-10-01T20:57:03Z');
  const cases: readonly (readonly [string | undefined, number | undefined])[] = [
    [String(at / 1000), at],
    [`${at / 1000}.5`, at + 500],
    [String(at), at],
    ['3', now + 3000],
    ['Thu Oct 01 2026 22:57:03 GMT+0200 (Central European Summer Time)', at],
    ['Thu Oct 01 2026 20:57:03 GMT+0000 (Coordinated Universal Time)', at],
    ['Thu, 01 Oct 2026 20:57:03 GMT', at],
    ['2026-10-01T20:57:03Z', at],
    ['2026-10-01T22:57:03.000+02:00', at],
    // No zone: it would depend on this machine's.
    ['2026-10-01T20:57:03', undefined],
    ['Thu Oct 01 2026 22:57:03', undefined],
    ['tomorrow 1', undefined],
    [undefined, undefined],
  ];
  for (const [text, expected] of cases) assert.equal(parseReset(text, now), expected, String(text));
});

test('a refusal is asked in order: Retry-After, then the body, then the reset', () => {
  const body = '{"error":{"code":"RATE_LIMIT_EXCEEDED","message":"Please retry after 30 seconds.","retry_after":30}}';
  const reset = String(now / 1000 + 45);
  const cases: readonly (readonly [Record<string, string>, string, number | undefined])[] = [
    [{ 'retry-after': '5', 'x-ratelimit-reset': reset }, body, 5000],
    [{ 'retry-after': 'later', 'x-ratelimit-reset': reset }, body, 30_000],
    [{ 'x-ratelimit-reset': reset }, body, 30_000],
    [{ 'x-ratelimit-reset': reset }, '{"message":"Too many"}', 45_000],
    [{ 'x-ratelimit-reset': reset }, '{"error":"Too many"}', 45_000],
    [{ 'x-ratelimit-reset': String(now / 1000 - 45) }, '', 0],
    [{}, '{"error":{"retry_after":"1.5"}}', 1500],
    [{}, '{"retry_after":2}', 2000],
    [{}, '{"error":{"retry_after":-2}}', undefined],
    [{}, '{"error":', undefined],
    [{}, 'Too Many Requests', undefined],
    [{}, '', undefined],
  ];
  for (const [headers, text, expected] of cases) assert.equal(askedWaitMs(headers, text, now), expected, text);
});

test('the rate limit headers are read, and the unreadable left out', () => {
  assert.deepEqual(
    parseRateHeaders({ 'x-ratelimit-limit': '20', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '2' }, now),
    { limit: 20, remaining: 0, resetAtMs: now + 2000 },
  );
  assert.deepEqual(parseRateHeaders({ 'x-ratelimit-limit': '60, 60;w=60', 'x-ratelimit-remaining': '-1' }, now), {
    limit: 60,
  });
  assert.deepEqual(parseRateHeaders({}, now), {});
});

const anyText = fc.oneof(
  fc.string(),
  fc.double().map(String),
  fc.integer().map(String),
  fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
  fc.date({ noInvalidDate: true }).map(String),
  fc.json(),
);

test('whatever an upstream sends, a wait is none at all or between 0 and one hour', () => {
  fc.assert(
    fc.property(anyText, anyText, anyText, (retryAfter, body, reset) => {
      for (const ms of [
        askedWaitMs({ 'retry-after': retryAfter, 'x-ratelimit-reset': reset }, body, now),
        askedWaitMs({ 'x-ratelimit-reset': reset }, `{"error":{"retry_after":${body}}}`, now),
      ]) {
        assert.ok(ms === undefined || (Number.isInteger(ms) && ms >= 0 && ms <= maxWaitMs), String(ms));
      }
      for (const value of Object.values(
        parseRateHeaders(
          { 'x-ratelimit-limit': body, 'x-ratelimit-remaining': reset, 'x-ratelimit-reset': reset },
          now,
        ),
      )) {
        assert.ok(Number.isInteger(value), String(value));
      }
    }),
  );
});

test('the next try never comes before the upstream wants it, nor long after', () => {
  const draws = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(fc.nat(maxWaitMs), fc.integer({ min: 1, max: 100 }), draws, (retryAfterMs, attempt, draw) => {
      const asked = nextWaitMs({ retryAfterMs, attempt, random: () => draw });
      assert.ok(asked >= retryAfterMs && asked <= retryAfterMs + 1000);
      const unasked = nextWaitMs({ attempt, random: () => draw });
      assert.ok(unasked >= 1000 && unasked <= 60_000);
      if (attempt === 1) assert.ok(unasked <= 2000);
    }),
  );
});
