import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readEvents } from './event-stream.ts';
import type { StreamedEvent } from './event-stream.ts';

async function read(chunks: readonly Uint8Array[]): Promise<StreamedEvent[]> {
  const events: StreamedEvent[] = [];
  const source = async function* (): AsyncGenerator<Uint8Array> {
    yield* chunks;
  };
  for await (const event of readEvents(source())) events.push(event);
  return events;
}

test('events are the same however their bytes are cut, whatever comments and line ends are between them', async () => {
  const text =
    'retry: 2000\n\n: alive\n\nid: 1\ndata: {"a":"é☕"}\n\nid:2\r\ndata: [1,\r\ndata: 2]\r\n\r\n: alive\n\nevent: x\n\nid: 3\ndata: 3\n\nid: 4\ndata: cut';
  const bytes = new TextEncoder().encode(text);
  const expected = [
    { id: '1', data: { a: 'é☕' } },
    { id: '2', data: [1, 2] },
    { id: '3', data: 3 },
  ];
  assert.deepEqual(await read([bytes]), expected);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat({ max: bytes.length }), { maxLength: 12 }), async (cuts) => {
      const places = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
      const chunks = places.slice(1).map((end, index) => bytes.subarray(places[index], end));
      assert.deepEqual(await read(chunks), expected);
    }),
  );
});
