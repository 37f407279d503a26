import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freshPace, slowDown } from './pace.ts';
import { readEngageAnswer, readImportAnswer, unaccountedFor } from './read-answer.ts';

const partial = (records: readonly unknown[], imported?: number): string =>
  JSON.stringify({ code: 400, error: 'some data points', failed_records: records, num_records_imported: imported });

test('a 400 that names indexes stores the others, whatever the key of the id is and whatever else is missing', () => {
  const expected = new Map([[1, "'properties.time' is invalid: must not be missing"]]);
  for (const key of ['insert_id', '$insert_id', 'id']) {
    const record = { index: 1, [key]: 'x', field: 'properties.time', message: expected.get(1) };
    assert.deepEqual(readImportAnswer({ status: 400, text: partial([record], 2) }, 3), {
      kind: 'partly',
      refused: expected,
    });
  }
  const bare = readImportAnswer({ status: 400, text: '{"failed_records":[{"index":0}]}' }, 3);
  assert.deepEqual(bare, { kind: 'partly', refused: new Map([[0, 'refused without a reason']]) });
  const field = readImportAnswer(
    { status: 400, text: partial([{ index: 0, field: '$insert_id', message: 'too long' }]) },
    1,
  );
  assert.deepEqual(field, { kind: 'partly', refused: new Map([[0, '$insert_id: too long']]) });
});

test('a 400 that stored nothing is spoilt by those it names, and refused where it names none', () => {
  const spoilt = readImportAnswer({ status: 400, text: partial([{ index: 2, message: 'm' }], 0) }, 3);
  assert.equal(spoilt.kind, 'spoilt');
  assert.equal(readImportAnswer({ status: 400, text: partial([{ index: 0, message: 'm' }], 0) }, 1).kind, 'partly');
  for (const text of [
    partial(['identity events are not allowed'], 0),
    partial([{ index: 3, message: 'm' }], 2),
    partial([{ index: '0', message: 'm' }], 2),
    partial([]),
    '{}',
    '<html>400</html>',
    '',
  ]) {
    assert.equal(readImportAnswer({ status: 400, text }, 3).kind, 'refused', text);
  }
  const named = readImportAnswer({ status: 400, text: partial(['identity events are not allowed'], 0) }, 3);
  assert.equal(named.kind === 'refused' && named.detail, 'some data points; identity events are not allowed');
});

test('events that are neither refused nor counted as imported are missed, where the answer counts', () => {
  const missed = (status: number, text: string): number =>
    unaccountedFor({ status, text }, readImportAnswer({ status, text }, 5), 5);
  assert.equal(missed(200, '{"num_records_imported":5}'), 0);
  assert.equal(missed(200, '{"status":"OK"}'), 0);
  assert.equal(missed(200, '{"num_records_imported":3}'), 2);
  assert.equal(missed(400, partial([{ index: 1, message: 'm' }], 4)), 0);
  assert.equal(missed(400, partial([{ index: 1, message: 'm' }], 1)), 3);
  assert.equal(missed(503, '{"num_records_imported":0}'), 0);
});

test('every other answer is somebody’s: the size, the credentials, the moment', () => {
  const kinds = (status: number, text = ''): string => {
    const answer = readImportAnswer({ status, text }, 2);
    return 'reason' in answer ? answer.reason : 'code' in answer ? answer.code : answer.kind;
  };
  assert.equal(kinds(200, '{"code":200,"num_records_imported":2,"status":0}'), 'stored');
  assert.equal(kinds(200, '1'), 'unreadable');
  assert.equal(kinds(200, '<html>hello</html>'), 'unreadable');
  assert.equal(kinds(429, '{"status":0}'), 'throttled');
  for (const status of [408, 500, 502, 503, 504]) assert.equal(kinds(status, 'upstream connect error'), 'status');
  assert.equal(kinds(401, '{"error":"Invalid credentials"}'), 'MIXPANEL_UNAUTHORIZED');
  assert.equal(kinds(403, '<html>blocked</html>'), 'MIXPANEL_FORBIDDEN');
  for (const status of [301, 404, 405]) assert.equal(kinds(status), 'MIXPANEL_UNEXPECTED');
  const large = readImportAnswer({ status: 413, text: '{"error":"request exceeds max limit of 2097152 bytes"}' }, 2);
  assert.deepEqual(large.kind === 'too-large' && large.maxBytes, 2_097_152);
  const silent = readImportAnswer({ status: 413, text: 'too large' }, 2);
  assert.deepEqual(silent.kind === 'too-large' && silent.maxBytes, null);
});

test('a 200 of /engage says what its body says', () => {
  const kind = (text: string): string => readEngageAnswer({ status: 200, text }).kind;
  for (const text of ['{"status":1,"error":null}', '1', '{"status":"OK","code":200}'])
    assert.equal(kind(text), 'stored');
  for (const text of ['{"status":0,"error":"no"}', '0', '{"error":"no"}']) assert.equal(kind(text), 'refused');
  for (const text of ['', '<html></html>', '{}']) assert.equal(kind(text), 'retry');
});

test('backs off from 2 s to 60 s with 1 to 5 s of jitter; requests under way together fail once', () => {
  let pace = freshPace;
  const waits: number[] = [];
  let now = 1_000_000;
  for (let round = 0; round < 7; round += 1) {
    pace = slowDown(pace, { now, retryAfterMs: null, random: 0.5 });
    const again = slowDown(pace, { now: now + 1, retryAfterMs: null, random: 0.9 });
    assert.equal(again, pace);
    waits.push(pace.notBefore - now);
    now = pace.notBefore;
  }
  assert.deepEqual(waits, [5_000, 7_000, 11_000, 19_000, 35_000, 63_000, 63_000]);
  assert.equal(slowDown(freshPace, { now, retryAfterMs: 7_000, random: 0 }).notBefore - now, 7_000);
  assert.equal(slowDown(pace, { now: now - 1, retryAfterMs: 90_000, random: 0 }).notBefore, now - 1 + 90_000);
});
