import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { webhookRetryMs } from './webhook-retry.ts';

test('attempts follow each other within seconds at first, go on over hours, and end', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (random) => {
      const waits: number[] = [];
      for (let attempt = 1; ; attempt += 1) {
        const waitMs = webhookRetryMs(attempt, random);
        if (waitMs === null) break;
        assert.ok(waitMs > (waits.at(-1) ?? 0));
        waits.push(waitMs);
      }
      assert.ok((waits[0] ?? 0) <= 1_200);
      const hours = waits.reduce((sum, waitMs) => sum + waitMs, 0) / 3_600_000;
      assert.ok(hours > 12 && hours < 24);
    }),
  );
});

test('what a receiver asks to wait is heeded up to an hour, and never shortens the wait', () => {
  assert.equal(webhookRetryMs(1, 0.5, 20_000), 20_000);
  assert.equal(webhookRetryMs(1, 0.5, 1e12), 3_600_000);
  assert.equal(webhookRetryMs(5, 0.5, 1_000), 600_000);
  assert.equal(webhookRetryMs(11, 0.5, 1_000), null);
});
