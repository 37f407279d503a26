import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ConfigurationError } from './errors.ts';
import { loadNamespaces } from './namespaces-file.ts';
import { redactText } from './redact.ts';

const directory = mkdtempSync(join(tmpdir(), 'full-sync-namespaces-'));
after(() => rmSync(directory, { recursive: true }));

const platforms = ['smartlead', 'lemlist'];
const env = { SMARTLEAD_API_KEY_ACME: 'acme-smartlead-key', LEMLIST_API_KEY: ' shared-lemlist-key ' };

function load(document: unknown) {
  const path = join(directory, 'namespaces.json');
  writeFileSync(path, typeof document === 'string' ? document : JSON.stringify(document));
  return loadNamespaces({ path, platforms, env });
}

function problemsOf(document: unknown): readonly string[] {
  try {
    load(document);
  } catch (error) {
    assert.ok(error instanceof ConfigurationError);
    assert.equal(error.exitCode, 2);
    assert.deepEqual([...new Set(error.problems.map(({ name }) => name))], ['NAMESPACES_FILE']);
    return error.problems.map(({ message }) => message);
  }
  return [];
}

test('without a path there is no map', () => {
  assert.equal(loadNamespaces({ path: undefined, platforms, env }), null);
  assert.equal(loadNamespaces({ path: '  ', platforms, env }), null);
});

test('each entry names its key and its campaigns, ids as text', () => {
  const map = load({
    acme: { smartlead: { apiKeyEnv: 'SMARTLEAD_API_KEY_ACME', campaigns: [12, '7', ' 12 '], exclude: ['7'] } },
    other: {
      lemlist: { apiKeyEnv: 'LEMLIST_API_KEY' },
      smartlead: { apiKeyEnv: 'SMARTLEAD_API_KEY_ACME', exclude: [] },
    },
  });
  assert.deepEqual(map?.get('acme')?.get('smartlead'), {
    apiKeyEnv: 'SMARTLEAD_API_KEY_ACME',
    apiKey: 'acme-smartlead-key',
    filter: { campaigns: ['12', '7'], exclude: ['7'] },
  });
  assert.equal(map?.get('acme')?.get('lemlist'), undefined);
  assert.deepEqual(map?.get('other')?.get('lemlist'), {
    apiKeyEnv: 'LEMLIST_API_KEY',
    apiKey: 'shared-lemlist-key',
    filter: null,
  });
  assert.equal(map?.get('other')?.get('smartlead')?.filter, null);
});

test('the keys are hidden from then on', () => {
  load({ acme: { smartlead: { apiKeyEnv: 'SMARTLEAD_API_KEY_ACME' } } });
  assert.doesNotMatch(redactText('the key is acme-smartlead-key here'), /acme-smartlead-key/);
});

test('every problem is reported at once, with its pointer', () => {
  assert.deepEqual(
    problemsOf({
      'UP/per': {},
      acme: {
        hubspot: {},
        smartlead: { apiKeyEnv: 'SMARTLEAD_API_KEY_GONE', campaign: ['1'], campaigns: ['1', 1.5, ''] },
        lemlist: [],
      },
      empty: { smartlead: { apiKeyEnv: 'SMARTLEAD_API_KEY_ACME', campaigns: [], exclude: '5' } },
      flat: 'SMARTLEAD_API_KEY_ACME',
    }),
    [
      '/UP~1per: expected a namespace: 1 to 63 of a-z, 0-9, "_" and "-"',
      '/acme/hubspot: expected one of smartlead, lemlist',
      '/acme/smartlead/campaign: is not a known field; known: apiKeyEnv, campaigns, exclude',
      '/acme/smartlead/apiKeyEnv: expected a variable that is set; SMARTLEAD_API_KEY_GONE is not',
      '/acme/smartlead/campaigns/1: expected a campaign id: a text, or a whole number up to 2^53 - 1',
      '/acme/smartlead/campaigns/2: expected a campaign id: a text, or a whole number up to 2^53 - 1',
      '/acme/lemlist: expected an object with "apiKeyEnv"',
      '/empty/smartlead/exclude: expected an array of campaign ids',
      '/empty/smartlead/campaigns: expected at least one id; leave it out for all campaigns',
      '/flat: expected an object with smartlead, lemlist',
    ],
  );
});

test('a key in the place of its name is not shown', () => {
  const [problem = ''] = problemsOf({ acme: { lemlist: { apiKeyEnv: '5f3c0d9e8a7b6c5d' } } });
  assert.match(problem, /^\/acme\/lemlist\/apiKeyEnv: expected the name of an environment variable/);
  assert.doesNotMatch(problem, /5f3c0d9e8a7b6c5d/);
});

test('a file that is missing or no JSON is named, without what is in it', () => {
  assert.throws(
    () => loadNamespaces({ path: join(directory, 'nowhere.json'), platforms, env }),
    (error: Error) => /NAMESPACES_FILE: expected the path of a JSON file.*nowhere\.json.*ENOENT/.test(error.message),
  );
  const [problem = ''] = problemsOf('{"acme": {"smartlead": secret-key-here}}');
  assert.match(problem, /^expected JSON in .*; it is none/);
  assert.doesNotMatch(problem, /secret-key/);
  assert.match(problemsOf([])[0] ?? '', /^expected a JSON object/);
});
