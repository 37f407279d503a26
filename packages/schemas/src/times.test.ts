import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readTime } from './times.ts';

const readable: readonly (readonly [string, string])[] = [
  ['2026-03-10T08:41:12.507Z', '2026-03-10T08:41:12.507Z'],
  ['2026-03-10T08:41:12Z', '2026-03-10T08:41:12.000Z'],
  ['2026-03-10T08:41:12', '2026-03-10T08:41:12.000Z'],
  ['2026-03-10 08:41:12', '2026-03-10T08:41:12.000Z'],
  ['2023-10-16 10:33:02.000Z', '2023-10-16T10:33:02.000Z'],
  ['2026-03-10T09:02:55.031872+00:00', '2026-03-10T09:02:55.031Z'],
  ['2026-03-10T09:02:55.999999999Z', '2026-03-10T09:02:55.999Z'],
  ['2026-03-10T09:02:55.1Z', '2026-03-10T09:02:55.100Z'],
  ['2026-03-10T09:02:55.01Z', '2026-03-10T09:02:55.010Z'],
  ['2026-03-10T09:02:55+02:00', '2026-03-10T07:02:55.000Z'],
  ['2026-03-10T09:02:55-0930', '2026-03-10T18:32:55.000Z'],
  ['2026-03-10T09:02:55-00:00', '2026-03-10T09:02:55.000Z'],
  ['  2026-03-10T09:02:55Z\n', '2026-03-10T09:02:55.000Z'],
  ['2028-02-29T00:00:00Z', '2028-02-29T00:00:00.000Z'],
  ['2000-02-29T00:00:00Z', '2000-02-29T00:00:00.000Z'],
  ['1970-01-01T00:00:00Z', '1970-01-01T00:00:00.000Z'],
  ['1969-12-31T23:30:00-01:00', '1970-01-01T00:30:00.000Z'],
  ['2999-12-31T23:59:59.999Z', '2999-12-31T23:59:59.999Z'],
  ['2025-12-31T23:59:59.999Z', '2025-12-31T23:59:59.999Z'],
];

for (const [text, expected] of readable) {
  test(`the time ${JSON.stringify(text)} is read`, () => {
    const time = readTime(text);
    assert.equal(typeof time === 'number' ? new Date(time).toISOString() : time, expected);
  });
}

const unreadable: readonly unknown[] = [
  '2026-02-30T00:00:00Z',
  '2026-02-29T00:00:00Z',
  '2100-02-29T00:00:00Z',
  '2026-04-31T00:00:00Z',
  '2026-13-01T00:00:00Z',
  '2026-00-01T00:00:00Z',
  '2026-01-00T00:00:00Z',
  '2026-01-32T00:00:00Z',
  '2026-01-01T24:00:00Z',
  '2026-01-01T23:60:00Z',
  '2026-01-01T23:59:60Z',
  '2026-01-01t00:00:00Z',
  '2026-01-01T00:00:00z',
  '2026-01-01  00:00:00Z',
  '2026-01-01T00:00:00 Z',
  '2026-01-01T00:00:00 +00:00',
  '2026-01-01T00:00:00+24:00',
  '2026-01-01T00:00:00+00:60',
  '2026-01-01T00:00:00+02',
  '2026-01-01T00:00:00+2:00',
  '2026-01-01T00:00:00.Z',
  '2026-01-01T00:00:00.1234567890Z',
  '2026-01-01T00:00:00,5Z',
  '2026-01-01T00:00Z',
  '2026-01-01',
  '2026-1-1T00:00:00Z',
  '20260101T000000Z',
  '+002026-01-01T00:00:00Z',
  '1969-12-31T23:59:59Z',
  '1970-01-01T00:00:00+00:01',
  '3000-01-01T00:00:00Z',
  '2999-12-31T23:59:59-00:01',
  '0026-01-01T00:00:00Z',
  '٢٠٢٦-01-01T00:00:00Z',
  'Thu Oct 01 2026 22:57:03 GMT+0200 (Central European Summer Time)',
  'yesterday',
  '1773132072507',
  1_773_132_072_507,
  0,
  true,
  false,
  {},
  [],
];

for (const value of unreadable) {
  test(`the time ${JSON.stringify(value)} is unreadable`, () => {
    assert.equal(readTime(value), 'unreadable');
  });
}

test('absent, null and blank times are missing', () => {
  for (const value of [undefined, null, '', ' ', '\t\n\u00A0\uFEFF']) assert.equal(readTime(value), 'missing');
});

const pad = (value: number, length: number): string => value.toString().padStart(length, '0');

test('every valid form gives the instant that it names', () => {
  const instants = fc.integer({ min: 0, max: Date.UTC(3000, 0, 1) / 1000 - 1 });
  const fractions = fc.stringMatching(/^[0-9]{0,9}$/);
  const zones = fc.oneof(
    fc.constantFrom('', 'Z'),
    fc.tuple(fc.constantFrom('+', '-'), fc.nat(23), fc.nat(59), fc.constantFrom(':', '')),
  );
  fc.assert(
    fc.property(instants, fractions, fc.constantFrom('T', ' '), zones, (seconds, fraction, separator, zone) => {
      const minutes = typeof zone === 'string' ? 0 : (zone[1] * 60 + zone[2]) * (zone[0] === '-' ? -1 : 1);
      const local = new Date((seconds + minutes * 60) * 1000);
      const date = `${pad(local.getUTCFullYear(), 4)}-${pad(local.getUTCMonth() + 1, 2)}-${pad(local.getUTCDate(), 2)}`;
      const clock = `${pad(local.getUTCHours(), 2)}:${pad(local.getUTCMinutes(), 2)}:${pad(local.getUTCSeconds(), 2)}`;
      const offset = typeof zone === 'string' ? zone : `${zone[0]}${pad(zone[1], 2)}${zone[3]}${pad(zone[2], 2)}`;
      const text = `${date}${separator}${clock}${fraction === '' ? '' : `.${fraction}`}${offset}`;
      const ms = fraction === '' ? 0 : Math.floor(Number(`0.${fraction.slice(0, 3)}`) * 1000 + 1e-6);
      assert.equal(readTime(text), seconds * 1000 + ms, text);
    }),
    { numRuns: 1_000 },
  );
});

test('days that no calendar has are unreadable, all others are read', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1970, max: 2999 }), fc.nat(13), fc.nat(32), (year, month, day) => {
      const real = month >= 1 && month <= 12 && day >= 1 && day <= new Date(Date.UTC(year, month, 0)).getUTCDate();
      const time = readTime(`${year}-${pad(month, 2)}-${pad(day, 2)}T12:00:00Z`);
      assert.equal(time, real ? Date.UTC(year, month - 1, day, 12) : 'unreadable');
    }),
    { numRuns: 1_000 },
  );
});
