import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { leadIdentity, readIds } from './lead-identity.ts';
import { partitionFor } from './partition.ts';

test('a lead is known by email, else by lead id, else by the id of the record', () => {
  assert.equal(leadIdentity('smartlead', { lead_email: ' A@B.example ', stats_id: 's' }), 'a@b.example');
  assert.equal(leadIdentity('smartlead', { lead_email: ' ', lead_id: 7, stats_id: 's' }), '7');
  assert.equal(leadIdentity('smartlead', { stats_id: 's' }), 's');
  assert.equal(leadIdentity('lemlist', { leadEmail: 'A@b.example', leadId: 'lea_1', _id: 'act_1' }), 'a@b.example');
  assert.equal(leadIdentity('lemlist', { leadId: 'lea_1', contactId: 'ctc_1', _id: 'act_1' }), 'lea_1');
  assert.equal(leadIdentity('lemlist', { contactId: 'ctc_1', _id: 'act_1' }), 'ctc_1');
  assert.equal(leadIdentity('lemlist', { _id: 'act_1' }), 'act_1');
});

test('a record with none of them has no lead', () => {
  for (const record of [{}, { leadEmail: 5, _id: true }, [], null, 'text', 5]) {
    assert.equal(leadIdentity('lemlist', record), null);
  }
});

test('the names of one platform mean nothing on the other', () => {
  assert.deepEqual(readIds('smartlead', { leadEmail: 'a@b.example', _id: 'x' }), {
    email: null,
    leadId: null,
    sourceId: null,
  });
});

test('a partition is the first four bytes of the SHA-256 modulo the count', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 64 }), (identity, partitions) => {
      const digest = createHash('sha256').update(identity, 'utf8').digest();
      const expected = Number(BigInt(`0x${digest.subarray(0, 4).toString('hex')}`) % BigInt(partitions));
      assert.equal(partitionFor(identity, partitions), expected);
      assert.equal(partitionFor(Buffer.from(identity), partitions), expected);
    }),
  );
});

test('known leads stay on their partitions', () => {
  assert.equal(partitionFor('mira@fjordworks.example', 12), 8);
});
