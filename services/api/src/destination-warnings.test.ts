import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askedDestinations, destinationWarnings } from './destination-warnings.ts';
import { parseExecuteRequest } from './domain/execute-request.ts';

const nothing = () => undefined;

function configOf(body: object) {
  const parsed = parseExecuteRequest({ platforms: 'smartlead', syncMode: 'full_historical', ...body }, 0);
  assert.ok(parsed.ok);
  return parsed.config;
}

const both = configOf({ enableMixpanelTracking: true, enableAttioSync: true, namespaces: 'acme,other' });

test('a job names the destinations that it asks for', () => {
  assert.deepEqual(askedDestinations(both), ['mixpanel', 'attio']);
  assert.deepEqual(askedDestinations(configOf({ enableAttioSync: true })), ['attio']);
  assert.deepEqual(askedDestinations(configOf({})), []);
});

test('a destination without credentials is said, one with them or that nobody asked for is not', () => {
  const [mixpanel, attio, ...more] = destinationWarnings(both, {}, nothing);
  assert.match(mixpanel ?? '', /^enableMixpanelTracking: .*MIXPANEL_PROJECT_TOKEN.* events are skipped/);
  assert.match(attio ?? '', /^enableAttioSync: .*ATTIO_API_KEY/);
  assert.deepEqual(more, []);
  const account = { MIXPANEL_PROJECT_ID: '7', MIXPANEL_SERVICE_ACCOUNT_USERNAME: 'u' };
  assert.equal(destinationWarnings(both, { ...account, ATTIO_API_KEY: 'k' }, nothing).length, 1);
  const complete = { ...account, MIXPANEL_SERVICE_ACCOUNT_SECRET: 's', ATTIO_API_KEY: 'k' };
  assert.deepEqual(destinationWarnings(both, complete, nothing), []);
  assert.deepEqual(destinationWarnings(both, { MIXPANEL_PROJECT_TOKEN: 't', ATTIO_API_KEY: 'k' }, nothing), []);
  assert.deepEqual(destinationWarnings(configOf({}), {}, nothing), []);
});

test('what the namespaces file says goes before the variables, either way', () => {
  const given = (namespace: string) => (namespace === 'acme' ? true : undefined);
  const [mixpanel] = destinationWarnings(both, { ATTIO_API_KEY: 'k' }, given);
  assert.match(mixpanel ?? '', /events of namespace other are skipped/);
  const taken = (namespace: string) => (namespace === 'acme' ? false : undefined);
  const [withheld] = destinationWarnings(both, { MIXPANEL_PROJECT_TOKEN: 't', ATTIO_API_KEY: 'k' }, taken);
  assert.match(withheld ?? '', /events of namespace acme are skipped/);
});
