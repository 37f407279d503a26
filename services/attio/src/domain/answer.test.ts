import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer, Verdict } from './answer.ts';
import { classifyAnswer, retryAfterMs } from './answer.ts';

const NOW = Date.UTC(2026, 8, 20, 12, 0, 0, 400);

function answer(status: number, body: unknown, headers: Answer['headers'] = {}): Answer {
  return { status, headers, text: typeof body === 'string' ? body : JSON.stringify(body) };
}

function error(status: number, code: string, more: object = {}): Answer {
  return answer(status, { status_code: status, type: 'invalid_request_error', code, message: 'No.', ...more });
}

function kindOf(verdict: Verdict): string {
  return 'code' in verdict ? `${verdict.kind} ${verdict.code}` : verdict.kind;
}

test('every class of answer', () => {
  const slug = 'outreach_emails_sent';
  const invalid = { message: `An invalid value was passed to attribute with slug "${slug}".` };
  const cases: readonly (readonly [Answer, string])[] = [
    [answer(200, { data: { id: { workspace_id: 'w', object_id: 'o', record_id: 'r' } } }), 'written'],
    [answer(201, { data: { id: { record_id: 'r' } } }), 'written'],
    [answer(200, { data: { id: {} } }), 'retry'],
    [answer(200, '<html>'), 'retry'],
    [answer(200, ''), 'retry'],
    [error(429, 'rate_limit_exceeded'), 'throttled'],
    [answer(502, '<html><h1>Bad gateway</h1>'), 'retry'],
    [answer(500, { message: 'x' }), 'retry'],
    [answer(408, ''), 'retry'],
    [error(400, 'merge_in_progress'), 'retry'],
    [error(404, 'merge_in_progress'), 'retry'],
    [error(409, 'concurrent_write_conflict'), 'retry'],
    [error(409, 'something_else'), 'retry'],
    [
      error(400, 'validation_type', { validation_errors: [{ path: ['data', 'values', slug], message: 'bad' }] }),
      'field ATTIO_VALIDATION_TYPE',
    ],
    [
      error(400, 'validation_type', { validation_errors: [{ path: `/data/values/${slug}/0` }] }),
      'field ATTIO_VALIDATION_TYPE',
    ],
    [
      error(400, 'validation_type', { validation_errors: [{ path: `data.values.${slug}[0].value` }] }),
      'field ATTIO_VALIDATION_TYPE',
    ],
    [error(400, 'validation_type', invalid), 'field ATTIO_VALIDATION_TYPE'],
    [error(400, 'immutable_value', invalid), 'field ATTIO_IMMUTABLE_VALUE'],
    [error(400, 'immutable_value'), 'halt ATTIO_IMMUTABLE_VALUE'],
    [
      error(400, 'validation_type', {
        message: 'An invalid value was passed to attribute with slug "email_addresses".',
      }),
      'refused ATTIO_VALIDATION_TYPE',
    ],
    [
      error(400, 'validation_type', { validation_errors: [{ path: ['data', 'values', 'email_addresses', 0] }] }),
      'refused ATTIO_VALIDATION_TYPE',
    ],
    [error(400, 'uniqueness_conflict'), 'refused ATTIO_UNIQUENESS_CONFLICT'],
    [error(400, 'multiple_match_results'), 'refused ATTIO_MULTIPLE_MATCH_RESULTS'],
    [error(400, 'value_not_found', { message: `Cannot find attribute with slug/ID "${slug}".` }), 'schema'],
    [error(400, 'missing_value'), 'halt ATTIO_MISSING_VALUE'],
    [error(401, 'unauthorized'), 'halt ATTIO_UNAUTHORIZED'],
    [error(403, 'billing_error'), 'halt ATTIO_FORBIDDEN'],
    [answer(403, '<html>blocked</html>'), 'halt ATTIO_FORBIDDEN'],
    [error(404, 'not_found', { message: 'Object with slug/ID "people" not found.' }), 'halt ATTIO_NOT_FOUND'],
    [answer(302, ''), 'halt ATTIO_NOT_FOUND'],
    [answer(400, 'no JSON'), 'refused ATTIO_BAD_REQUEST'],
  ];
  for (const [given, kind] of cases) assert.equal(kindOf(classifyAnswer(given, NOW)), kind, given.text);
});

test('the attribute that Attio does not know is named, where it names one', () => {
  const message = 'Cannot find attribute with slug/ID "outreach_status".';
  const verdict = classifyAnswer(error(400, 'value_not_found', { message }), NOW);
  assert.equal(verdict.kind === 'schema' && verdict.slug, 'outreach_status');
  const other = classifyAnswer(error(400, 'value_not_found', { message: 'Cannot find attribute "their_own".' }), NOW);
  assert.equal(other.kind === 'schema' && other.slug, null);
});

test('what may have been done is told from what was not', () => {
  const unknown = (given: Answer): boolean => {
    const verdict = classifyAnswer(given, NOW);
    return verdict.kind === 'retry' && verdict.unknown;
  };
  assert.equal(unknown(answer(502, '')), true);
  assert.equal(unknown(answer(200, '{')), true);
  assert.equal(unknown(error(400, 'merge_in_progress')), false);
});

test('Retry-After is a date on the clock of the server, whatever the clock here says', () => {
  const date = 'Sun, 20 Sep 2026 12:00:02 GMT';
  assert.equal(retryAfterMs({ 'retry-after': date }, NOW), 1600);
  for (const skewMs of [-3_600_000, 0, 3_600_000]) {
    const headers = { 'retry-after': date, date: 'Sun, 20 Sep 2026 12:00:01 GMT' };
    assert.equal(retryAfterMs(headers, NOW + skewMs), 1000);
  }
  assert.equal(retryAfterMs({ 'retry-after': date }, NOW + 60_000), 250, 'a date gone by still waits a little');
  assert.equal(retryAfterMs({ 'retry-after': '3' }, NOW), 3000);
  assert.equal(retryAfterMs({ 'retry-after': '86400' }, NOW), 60_000);
  assert.equal(retryAfterMs({ 'retry-after': 'soon' }, NOW), null);
  assert.equal(retryAfterMs({}, NOW), null);
});

test('what is told of an answer holds no address', () => {
  const message = 'The value "ada@example.com" conflicts with one already in the system';
  const verdict = classifyAnswer(error(400, 'uniqueness_conflict', { message }), NOW);
  assert.ok(verdict.kind === 'refused');
  assert.equal(verdict.detail.includes('ada@'), false);
  assert.match(verdict.detail, /^400 uniqueness_conflict: .*conflicts/);
});
