import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noWishes, readWishes, writeWishes } from './record-headers.ts';

test('wishes survive the way through headers, as text or as the bytes that a consumer gets', () => {
  for (const wishes of [
    { destinations: ['mixpanel'], redrive: false },
    { destinations: ['mixpanel', 'attio'], redrive: true },
  ]) {
    const headers = writeWishes(wishes) ?? {};
    assert.deepEqual(readWishes(headers), wishes);
    const bytes = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, Buffer.from(value)]));
    assert.deepEqual(readWishes(bytes), wishes);
  }
});

test('a record that is meant for nobody has no headers, and one without headers is meant for nobody', () => {
  assert.equal(writeWishes(noWishes), undefined);
  assert.equal(writeWishes({ destinations: [], redrive: true }), undefined);
  for (const headers of [undefined, {}, { destinations: '' }, { destinations: ' , ' }, { redrive: 'true' }])
    assert.deepEqual(readWishes(headers).destinations, []);
});
