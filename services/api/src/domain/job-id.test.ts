import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isJobId, toJobId } from './job-id.ts';

const bytes = fc.uint8Array({ minLength: 10, maxLength: 10 });
const time = fc.integer({ min: 0, max: 32 ** 9 - 1 });

test('ids sort by the time they were made at', () => {
  fc.assert(
    fc.property(time, time, bytes, bytes, (a, b, x, y) => {
      if (a !== b) assert.equal(toJobId(a, x) < toJobId(b, y), a < b);
      assert.ok(isJobId(toJobId(a, x)));
      assert.equal(toJobId(a, x).length, 23);
    }),
  );
});

test('what cannot be an id is not looked up', () => {
  for (const text of ['', 'job_', 'job_A', 'job_1\0', 'x_1', `job_${'1'.repeat(61)}`])
    assert.equal(isJobId(text), false);
});
