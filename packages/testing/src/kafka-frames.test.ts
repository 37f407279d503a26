import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { apiKeyOf, createFrameReader, replyIdOf, requestIdOf } from './kafka-frames.ts';

function frame(body: Uint8Array): Buffer {
  const prefix = Buffer.alloc(4);
  prefix.writeInt32BE(body.length);
  return Buffer.concat([prefix, body]);
}

test('finds the same frames however the stream is cut into chunks', () => {
  const bodies = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 });
  fc.assert(
    fc.property(bodies, fc.array(fc.integer({ min: 1, max: 17 }), { minLength: 1 }), (parts, sizes) => {
      const frames = parts.map(frame);
      const stream = Buffer.concat(frames);
      const reader = createFrameReader();
      const found: Buffer[] = [];
      for (let at = 0, turn = 0; at < stream.length; turn++) {
        const size = sizes[turn % sizes.length] ?? 1;
        found.push(...reader.take(stream.subarray(at, at + size)));
        at += size;
      }
      assert.deepEqual(found, frames);
    }),
  );
});

test('reads the header of a request and of its reply', () => {
  const request = frame(Buffer.from([0, 12, 0, 4, 0, 0, 1, 2, 0xff, 0xff]));
  assert.equal(apiKeyOf(request), 12);
  assert.equal(requestIdOf(request), 258);
  assert.equal(replyIdOf(frame(Buffer.from([0, 0, 1, 2, 0, 0]))), 258);
});
