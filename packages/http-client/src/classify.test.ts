import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { classifyFailure, contentKind } from './classify.ts';
import { createRedactor, shortDetail } from './redact.ts';

const plain = createRedactor({ kind: 'none' });
const classify = (status: number, body: string, headers: Record<string, string> = {}) =>
  classifyFailure({ status, headers, body }, plain, 0);

test('each documented failure is read for what it is', () => {
  const html = { 'content-type': 'text/html; charset=UTF-8' };
  const joi =
    '{"statusCode":400,"error":"Bad Request","message":"\\"limit\\" must be less than or equal to 100","validation":{}}';
  const cases: readonly (readonly [ReturnType<typeof classify>, string, string])[] = [
    [classify(400, joi), 'refused UPSTREAM_BAD_REQUEST', '"limit" must be less than or equal to 100'],
    [
      classify(400, '{"error":"Invalid event_time_from format.","status":"error"}'),
      'refused UPSTREAM_BAD_REQUEST',
      'Invalid event_time_from format.',
    ],
    [classify(400, '{}'), 'refused UPSTREAM_BAD_REQUEST', '{}'],
    [classify(401, '{"message":"Invalid API Key"}'), 'refused UPSTREAM_UNAUTHORIZED', 'Invalid API Key'],
    [
      classify(402, 'route is available starting emailPro plan'),
      'refused UPSTREAM_PLAN',
      'route is available starting emailPro plan',
    ],
    [
      classify(403, 'User linked to this API key is blocked'),
      'refused UPSTREAM_FORBIDDEN',
      'User linked to this API key is blocked',
    ],
    [classify(403, '<html><h1>Just a moment</h1></html>', html), 'retry html', 'Just a moment'],
    [
      classify(404, '{"error":"Campaign not found - Invalid campaign_id."}'),
      'gone',
      'Campaign not found - Invalid campaign_id.',
    ],
    [classify(404, 'Lead not found'), 'gone', 'Lead not found'],
    [classify(410, ''), 'gone', ''],
    [
      classify(404, '<pre>Cannot GET /api/v1/nope</pre>', html),
      'refused UPSTREAM_WRONG_PATH',
      'Cannot GET /api/v1/nope',
    ],
    [classify(404, '<html><body>lost</body></html>', html), 'retry html', 'lost'],
    [
      classify(404, 'No user found for this API key'),
      'refused UPSTREAM_UNAUTHORIZED',
      'No user found for this API key',
    ],
    [classify(405, 'Method not allowed'), 'refused UPSTREAM_WRONG_PATH', 'Method not allowed'],
    [classify(409, 'duplicate'), 'refused UPSTREAM_REFUSED', 'duplicate'],
    [
      classify(422, '{"error":{"code":"X","message":"Limit must be between 1 and 1000"}}'),
      'refused UPSTREAM_BAD_REQUEST',
      'Limit must be between 1 and 1000',
    ],
    [classify(302, ''), 'refused UPSTREAM_REDIRECT', ''],
    [classify(408, ''), 'retry status', ''],
    [classify(502, '<html><title>Bad gateway</title></html>', html), 'retry status', 'Bad gateway'],
    [classify(429, 'Too Many Requests'), 'throttled', 'Too Many Requests'],
  ];
  for (const [outcome, expected, detail] of cases) {
    const label =
      outcome.kind === 'refused'
        ? `refused ${outcome.code}`
        : outcome.kind === 'retry'
          ? `retry ${outcome.reason}`
          : outcome.kind;
    assert.equal(`${label}: ${outcome.detail}`, `${expected}: ${detail}`);
  }
});

test('a busy server is asked when to come back, as a throttling one is', () => {
  assert.deepEqual(classify(503, '', { 'retry-after': '7' }), {
    kind: 'retry',
    reason: 'status',
    status: 503,
    detail: '',
    rate: {},
    retryAfterMs: 7000,
  });
  assert.deepEqual(classify(429, '', { 'retry-after': '0.651', 'x-ratelimit-remaining': '0' }), {
    kind: 'throttled',
    detail: '',
    rate: { remaining: 0 },
    retryAfterMs: 651,
  });
  assert.equal('retryAfterMs' in classify(429, ''), false);
});

test('only JSON is taken for JSON, and what says nothing is looked at', () => {
  const cases = [
    ['application/json', 'json'],
    ['application/json; charset=utf-8', 'json'],
    ['application/problem+json', 'json'],
    ['text/html; charset=UTF-8', 'html'],
    ['text/plain', 'unknown'],
    [undefined, 'unknown'],
    ['image/png', 'other'],
  ] as const;
  for (const [type, kind] of cases) assert.equal(contentKind(type), kind);
});

test('every failure of every status has an outcome with a short line', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 300, max: 999 }),
      fc.oneof(fc.string({ maxLength: 2000 }), fc.json()),
      (status, body) => {
        const outcome = classify(status, body);
        assert.ok(outcome.detail.length <= 300 && !/[\n\r\t]/.test(outcome.detail));
        if (outcome.kind === 'gone') assert.ok(status === 404 || status === 410);
      },
    ),
  );
});

const keys = fc.string({ minLength: 8, maxLength: 40, unit: 'grapheme-ascii' }).filter((key) => !/[<>\s]/.test(key));
const words = fc.string({ unit: fc.constantFrom('a', ' ', '"', '<b>', '\n', '{', '&', 'é') });

test('no form of a key is left in a detail, wherever an upstream puts it', () => {
  fc.assert(
    fc.property(keys, words, words, fc.constantFrom('query', 'basic'), (key, before, after, kind) => {
      const redact = createRedactor(
        kind === 'query' ? { kind, name: 'api_key', value: key } : { kind: 'basic', username: '', password: key },
      );
      const base64 = Buffer.from(`:${key}`).toString('base64');
      const forms = [
        key,
        encodeURIComponent(key),
        JSON.stringify(key).slice(1, -1),
        ...(kind === 'basic' ? [base64] : []),
      ];
      for (const form of forms) {
        const detail = shortDetail(`${before}?api_key=${form}&x=1 ${form}${after} {"k":"${form}"}`, redact);
        assert.ok(!detail.includes(form), detail);
      }
    }),
  );
});
