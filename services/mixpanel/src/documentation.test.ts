import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { snakeCaseType, smartleadEventTypes } from '@full-sync/schemas';
import { anEvent } from '../test/an-event.ts';
import { eventNameOf } from './domain/event-name.ts';
import { foldFacts, profileFactsOf } from './domain/profile-facts.ts';
import { toImportEvent } from './domain/to-import-event.ts';
import { loadProjects } from './projects.ts';

const docs = join(import.meta.dirname, '..', '..', '..', 'docs');
const text = readFileSync(join(docs, 'mixpanel.md'), 'utf8');

/** The rows of the table under a heading, cell by cell. */
function rowsBelow(headerCell: string): readonly (readonly string[])[] {
  const lines = text.split('\n');
  const start = lines.findIndex((line) => line.startsWith(`| ${headerCell} `));
  assert.ok(start >= 0, `no table begins with ${headerCell}`);
  const end = lines.findIndex((line, index) => index > start && !line.startsWith('|'));
  return lines.slice(start + 2, end).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

test('the names in docs/mixpanel.md are the names that are sent: a change is a new mapping version', () => {
  const rows = rowsBelow('event type');
  assert.ok(rows.length > 100, `${rows.length} names`);
  for (const [type = '', name] of rows) assert.equal(eventNameOf(type.replaceAll('`', '')), name);
  const documented = new Set(rows.map(([type]) => type?.replaceAll('`', '')));
  for (const type of [...Object.values(smartleadEventTypes), snakeCaseType('linkedinInviteDone')])
    assert.ok(documented.has(type), type);
});

test('docs/mixpanel.md has every property that is sent of each event, and every one of a profile', () => {
  const mapped = toImportEvent(anEvent(1, { lead_id: '77', properties: '{}', event_type: 'email_replied' }));
  assert.equal(mapped.kind, 'send');
  if (mapped.kind !== 'send') return;
  const documented = rowsBelow('property').map(([name = '']) => name.replaceAll('`', ''));
  assert.deepEqual(
    Object.keys(mapped.payload.properties).toSorted(),
    documented.filter((name) => name !== 'others').toSorted(),
  );
  const updates = foldFacts(profileFactsOf(mapped.payload));
  const told = updates.flatMap((update) =>
    Object.keys(Object(update['$set'] ?? update['$set_once'] ?? update['$union'])),
  );
  assert.ok(told.length >= 4);
  for (const name of told) assert.ok(text.includes(`\`${name}\``), name);
});

test('the entries of NAMESPACES_FILE that the documents show open projects', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'full-sync-mixpanel-'));
  t.after(() => rmSync(directory, { recursive: true }));
  for (const page of ['mixpanel.md', 'destinations.md']) {
    const blocks = readFileSync(join(docs, page), 'utf8').matchAll(/```json\n([^`]*"mixpanel": \{[^`]*Env"[^`]*)```/g);
    const [entries = '', ...others] = [...blocks].map(([, block = '']) => block);
    assert.ok(entries !== '' && others.length === 0, `${page} shows one file`);
    const file = join(directory, page);
    writeFileSync(file, entries);
    const variables = [...entries.matchAll(/Env": "([A-Z_]+)"/g)].map(([, name = '']) => name);
    for (const name of variables) process.env[name] = `value of ${name}`;
    t.after(() => {
      for (const name of variables) delete process.env[name];
    });
    const projectOf = loadProjects({ MIXPANEL_BASE_URL: 'https://api.mixpanel.com', NAMESPACES_FILE: file }).of;
    assert.equal(projectOf('acme')?.auth.username, 'outreach.1a2b3c.mp-service-account', page);
  }
});
