import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noLags } from './watch-lag.ts';

test('before the first look every group is there, with zeros', () => {
  const none = { records: 0, seconds: 0 };
  assert.deepEqual(noLags(), {
    keyer: { 'outreach.smartlead.raw': none, 'outreach.lemlist.raw': none },
    loader: { 'outreach.events': none },
    api: { 'outreach.dead-letters': none },
  });
});
