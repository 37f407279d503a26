import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..', '..', '..');

test('docs/destinations.md shows the example as it is run', async () => {
  const page = await readFile(join(root, 'docs', 'destinations.md'), 'utf8');
  for (const name of ['file.ts', 'config.ts', 'main.ts']) {
    const source = await readFile(join(import.meta.dirname, 'fixtures', 'file', name), 'utf8');
    assert.ok(page.includes(`\`services/file/src/${name}\`:\n\n\`\`\`ts\n${source}\`\`\``), name);
  }
});
