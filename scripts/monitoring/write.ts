import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DASHBOARDS, generatedFiles } from './generated-files.ts';

/* Writes what is generated, and removes dashboards that are no more. */

const root = join(import.meta.dirname, '..', '..');
const files = generatedFiles(root);
for (const name of readdirSync(join(root, DASHBOARDS))) {
  if (!files.has(`${DASHBOARDS}/${name}`)) rmSync(join(root, DASHBOARDS, name));
}
for (const [path, text] of files) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
  console.log(path);
}
