import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCopies, planServices, servicesFor } from './service-plan.ts';

test('copies are read per service, and anything else is refused by name', () => {
  assert.deepEqual(parseCopies('loader=2, keyer=3'), { loader: 2, keyer: 3 });
  for (const text of ['loader', 'loader=0', 'loader=17', 'loader=two', 'broker=2', '']) {
    assert.throws(() => parseCopies(text), { exitCode: 2 }, text);
  }
});

test('a port from the environment is for the first copy alone, and a listener on every address is asked on loopback', async () => {
  const env = { METRICS_HOST: '0.0.0.0', KEYER_METRICS_PORT: '29999' };
  const plans = await planServices({ services: ['keyer'], copies: { keyer: 2 }, env, log: () => undefined });
  assert.equal(plans[0]?.baseUrl, 'http://127.0.0.1:29999');
  assert.deepEqual(plans[0]?.env, { KEYER_METRICS_PORT: '29999' });
  assert.notEqual(plans[1]?.env['KEYER_METRICS_PORT'], '29999');
});

test('destinations run where there are credentials of them, also under names that a namespaces file refers to', () => {
  const pipeline = ['api', 'extractor', 'keyer', 'loader'];
  assert.deepEqual(servicesFor({ MIXPANEL_PROJECT_ID: '1', ATTIO_API_KEY: ' ', ATTIO_BASE_URL: 'x' }), pipeline);
  assert.deepEqual(servicesFor({ ATTIO_API_KEY_ACME: 'k' }), [...pipeline, 'attio']);
  assert.deepEqual(servicesFor({ ATTIO_API_KEY: 'k', MIXPANEL_PROJECT_TOKEN: 't' }), [
    ...pipeline,
    'mixpanel',
    'attio',
  ]);
});
