import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatEvent, readLastEventId } from './server-sent-event.ts';

test('an event is one id line and one data line, whatever its data hold', () => {
  fc.assert(
    fc.property(fc.nat(), fc.dictionary(fc.string(), fc.string({ unit: 'binary' })), (id, data) => {
      const lines = formatEvent({ id, data }).split(/\r\n|\r|\n/);
      assert.equal(lines.length, 4);
      assert.equal(lines[0], `id: ${id}`);
      assert.deepEqual(JSON.parse((lines[1] ?? '').replace(/^data: /, '')), { ...data });
      assert.deepEqual(lines.slice(2), ['', '']);
    }),
  );
});

test('only ids that can have been given are read', () => {
  for (const [header, id] of [
    ['12', 12],
    [' 7 ', 7],
    ['0', null],
    ['-1', null],
    ['1e3', null],
    ['x', null],
    ['9'.repeat(30), null],
    ['', null],
    [undefined, null],
    [['1', '2'], null],
  ] as const)
    assert.equal(readLastEventId(header), id, String(header));
});
