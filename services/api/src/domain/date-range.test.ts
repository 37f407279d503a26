import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readBound } from './date-range.ts';

const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());

test('a date is the whole day, in UTC', () => {
  assert.equal(iso(readBound('2024-02-29', 'start')), '2024-02-29T00:00:00.000Z');
  assert.equal(iso(readBound(' 2024-02-29 ', 'end')), '2024-02-29T23:59:59.999Z');
});

test('a date-time is that instant, at either edge', () => {
  for (const edge of ['start', 'end'] as const) {
    assert.equal(iso(readBound('2024-01-01T10:30:00Z', edge)), '2024-01-01T10:30:00.000Z');
    assert.equal(iso(readBound('2024-01-01t10:30z', edge)), '2024-01-01T10:30:00.000Z');
    assert.equal(iso(readBound('2024-01-01 10:30:05.25', edge)), '2024-01-01T10:30:05.250Z');
    assert.equal(iso(readBound('2024-01-01T01:30:00+02:00', edge)), '2023-12-31T23:30:00.000Z');
    assert.equal(iso(readBound('2024-01-01T01:30:00-0230', edge)), '2024-01-01T04:00:00.000Z');
    assert.equal(iso(readBound('2024-01-01T01:30:00+02', edge)), '2023-12-31T23:30:00.000Z');
  }
});

test('parts of a millisecond are rounded into the range', () => {
  assert.equal(iso(readBound('2024-01-01T00:00:00.0001Z', 'start')), '2024-01-01T00:00:00.001Z');
  assert.equal(iso(readBound('2024-01-01T00:00:00.9999Z', 'end')), '2024-01-01T00:00:00.999Z');
});

test('what is no date, or no real one, is refused', () => {
  const wrong = [
    '',
    'yesterday',
    '2024-1-1',
    '2024-02-30',
    '2023-02-29',
    '2024-13-01',
    '2024-00-10',
    '20240101',
    '2024-01-01T',
    '2024-01-01T24:00:00Z',
    '2024-01-01T10',
    '2024-01-01T10:60Z',
    '2024-01-01T10:00:00+25:00',
    '2024-01-01T10:00:00 Z',
    '1969-12-31',
    '3000-01-01',
    '1704067200000',
  ];
  for (const text of wrong) assert.equal(readBound(text, 'start'), null, text);
});
