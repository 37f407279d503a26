import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { splitSend } from './split-send.ts';

const record = fc.record({
  partition: fc.nat(3),
  key: fc.option(fc.string({ maxLength: 20 })),
  value: fc
    .oneof(fc.nat(500), fc.integer({ min: 600_000, max: 2_600_000 }))
    .map((size) => ({ length: size }) as Buffer),
});

test('keeps all records in order and every request within its bounds', () => {
  fc.assert(
    fc.property(fc.array(record, { maxLength: 60 }), fc.integer({ min: 1, max: 30 }), (records, maxRecords) => {
      const parts = [...splitSend(records, maxRecords)];
      assert.deepEqual(parts.flat(), records);
      for (const part of parts) {
        assert.ok(part.length > 0 && part.length <= maxRecords);
        const bytes = (of: typeof part): number => of.reduce((sum, one) => sum + (one.value?.length ?? 0), 0);
        assert.ok(part.length === 1 || bytes(part) <= 2_000_000);
      }
    }),
  );
});
