import assert from 'node:assert/strict';
import { test } from 'node:test';
import { webhookKeyOf } from '@full-sync/database';
import { signWebhook } from './sign-webhook.ts';

test('the signature is the one of the Standard Webhooks specification', () => {
  // The example that the specification and its libraries are tested with.
  const key = webhookKeyOf('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw');
  assert.ok(key !== null);
  const headers = signWebhook(key, {
    webhookId: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    sentAtMs: 1_614_265_330_999,
    body: '{"test": 2432232314}',
  });
  assert.deepEqual(headers, {
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  });
});

test('a secret is whsec_ and the base64 of 24 to 64 bytes', () => {
  const ofBytes = (count: number): string => `whsec_${Buffer.alloc(count, 7).toString('base64')}`;
  for (const count of [24, 32, 64]) assert.equal(webhookKeyOf(ofBytes(count))?.length, count);
  for (const secret of ['', 'whsec_', ofBytes(23), ofBytes(65), ofBytes(32).slice(6), `${ofBytes(32)}!`])
    assert.equal(webhookKeyOf(secret), null, secret);
});
