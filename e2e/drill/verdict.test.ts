import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeCounts, repeatsOf } from './verdict.ts';
import type { PlatformFacts } from './verdict.ts';

const clean: PlatformFacts = {
  platform: 'lemlist',
  told: {
    records_fetched: 100,
    records_accepted: 98,
    rejected: 2,
    events_derived: 150,
    events_created: 140,
    duplicates: 7,
    collisions: 3,
    dead_lettered: 0,
  },
  expected: { records: 100, accepted: 98, rejected: 2, events: 150, created: 140, duplicates: 7, collisions: 3 },
  committed: { records: 100, abandoned: 0 },
  rows: 140,
};

/** Ten records of an abandoned chunk came once more, twelve events with them. */
const repeated: PlatformFacts = {
  ...clean,
  told: { ...clean.told, records_fetched: 110, records_accepted: 108, events_derived: 162, duplicates: 19 },
  committed: { records: 100, abandoned: 1 },
};

test('an undisturbed job and one with explained repeats have no problem', () => {
  assert.deepEqual(judgeCounts(clean), []);
  assert.equal(repeatsOf(clean), 0);
  assert.deepEqual(judgeCounts(repeated), []);
  assert.equal(repeatsOf(repeated), 10);
});

test('repeats without an abandoned attempt are named', () => {
  assert.deepEqual(judgeCounts({ ...repeated, committed: { records: 100, abandoned: 0 } }), [
    'lemlist: 10 records arrived twice, and no attempt was abandoned',
  ]);
});

const faults: readonly (readonly [string, Partial<PlatformFacts>, RegExp])[] = [
  ['a row too few', { rows: 139 }, /rows in the table against events_created: 139 instead of 140/],
  ['a row too many', { rows: 141 }, /rows in the table against events_created: 141 instead of 140/],
  [
    'a fact that became no row',
    { told: { ...clean.told, events_created: 139, duplicates: 8 }, rows: 139 },
    /events_created against the oracle: 139 instead of 140/,
  ],
  ['a record that was never fetched', { committed: { records: 99, abandoned: 1 } }, /99 instead of 100/],
  [
    'a record that never arrived',
    { told: { ...clean.told, records_fetched: 99, records_accepted: 97 } },
    /1 records of committed chunks never arrived/,
  ],
  ['records out of balance', { told: { ...clean.told, records_fetched: 101 } }, /records_fetched against accepted/],
  ['events out of balance', { told: { ...clean.told, events_derived: 151 } }, /events_derived against created/],
  [
    'an event set aside by the loader',
    { told: { ...clean.told, duplicates: 6, dead_lettered: 1 } },
    /dead_lettered: 1 instead of 0/,
  ],
  [
    'a repeat that was counted without its record',
    { told: { ...clean.told, events_derived: 151, duplicates: 8 } },
    /duplicates \+ collisions: 11 instead of 10/,
  ],
  [
    'a repeat that hides a loss',
    { ...repeated, told: { ...repeated.told, records_accepted: 97, rejected: 13 } },
    /records_accepted: 97, and at least 98 are due/,
  ],
];

for (const [name, change, message] of faults) {
  test(`named: ${name}`, () => {
    assert.match(judgeCounts({ ...clean, ...change }).join('\n'), message);
  });
}
