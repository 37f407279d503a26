import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ConfigurationError } from './errors.ts';
import { loadNamespaceCredentials, loadNamespaceMentions } from './namespace-credentials.ts';
import { loadNamespaces } from './namespaces-file.ts';
import { redactText } from './redact.ts';

const directory = mkdtempSync(join(tmpdir(), 'full-sync-credentials-'));
after(() => rmSync(directory, { recursive: true }));
const path = join(directory, 'namespaces.json');

const env = { MIXPANEL_SECRET_ACME: ' a-secret-of-acme ', SMARTLEAD_API_KEY_ACME: 'acme-key' };
const fields = { projectId: { required: true }, secretEnv: { required: true }, baseUrl: { required: false } };

function load(document: unknown) {
  writeFileSync(path, JSON.stringify(document));
  return loadNamespaceCredentials({ path, destination: 'mixpanel', fields, env });
}

test('an entry gives texts and the values of variables, null gives none, and silence leaves the default', () => {
  const credentials = load({
    acme: { mixpanel: { projectId: 7, secretEnv: 'MIXPANEL_SECRET_ACME' }, smartlead: { apiKeyEnv: 'NOT_READ_HERE' } },
    quiet: { mixpanel: null },
    other: { attio: { apiKeyEnv: 'NOT_READ_HERE' } },
  });
  assert.deepEqual(
    [...credentials],
    [
      ['acme', { projectId: '7', secret: 'a-secret-of-acme' }],
      ['quiet', null],
    ],
  );
  assert.doesNotMatch(redactText('it is a-secret-of-acme'), /of-acme/);
  const mentions = loadNamespaceMentions(path);
  const asked = ['acme', 'quiet', 'other', 'unknown'].map((namespace) => mentions(namespace, 'mixpanel'));
  assert.deepEqual(asked, [true, false, undefined, undefined]);
  assert.equal(loadNamespaceMentions(undefined)('acme', 'mixpanel'), undefined);
});

test('every fault is reported with its place, and no value', () => {
  const document = {
    acme: { mixpanel: { secretEnv: 'NOT_SET', colour: 'red', baseUrl: '' } },
    other: { mixpanel: 'yes' },
    third: { mixpanel: { projectId: '7', secretEnv: 'the-secret-itself' } },
  };
  assert.throws(
    () => load(document),
    (error: unknown) => {
      assert.ok(error instanceof ConfigurationError);
      const places = error.problems.map(({ message }) => message.split(':')[0]);
      const expected = ['colour', 'projectId', 'secretEnv', 'baseUrl'].map((name) => `/acme/mixpanel/${name}`);
      assert.deepEqual(places, [...expected, '/other/mixpanel', '/third/mixpanel/secretEnv']);
      assert.doesNotMatch(error.message, /the-secret-itself/);
      return true;
    },
  );
});

test('readers of sources leave the entries of destinations alone, and know no others', () => {
  const read = (document: unknown) => {
    writeFileSync(path, JSON.stringify(document));
    return loadNamespaces({ path, platforms: ['smartlead'], destinations: ['mixpanel'], env });
  };
  const acme = { smartlead: { apiKeyEnv: 'SMARTLEAD_API_KEY_ACME' }, mixpanel: { secretEnv: 'NOT_SET_HERE' } };
  assert.deepEqual([...(read({ acme })?.get('acme')?.keys() ?? [])], ['smartlead']);
  assert.throws(() => read({ acme: { mixpannel: {} } }), /expected one of smartlead, mixpanel/);
});
