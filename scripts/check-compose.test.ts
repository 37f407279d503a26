import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { composeProblems } from './check-compose.ts';

const root = join(import.meta.dirname, '..');

/** The repository's own files with one text of the compose file (or the Dockerfile) replaced. */
function problemsWith(file: string, from: string, to: string): readonly string[] {
  const directory = mkdtempSync(join(tmpdir(), 'full-sync-compose-test-'));
  try {
    for (const name of ['docker-compose.yml', 'Dockerfile', 'package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml']) {
      cpSync(join(root, name), join(directory, name));
    }
    for (const name of ['deploy', 'patches']) cpSync(join(root, name), join(directory, name), { recursive: true });
    for (const group of ['services', 'packages']) {
      for (const member of readdirSync(join(root, group))) {
        mkdirSync(join(directory, group, member, 'src'), { recursive: true });
        writeFileSync(join(directory, group, member, 'src', 'main.ts'), '');
      }
    }
    const text = readFileSync(join(directory, file), 'utf8');
    assert.ok(text.includes(from), `${file} has no ${from}`);
    writeFileSync(join(directory, file), text.replace(from, to));
    return composeProblems(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test('the compose file and the Dockerfile as they are have no problem', () => {
  assert.deepEqual(problemsWith('docker-compose.yml', 'services:', 'services:'), []);
});

const broken = [
  [
    'a word that the specification does not have',
    'docker-compose.yml',
    'restart: unless-stopped',
    'restarts: unless-stopped',
    /must NOT have/,
  ],
  [
    'a command that does not exist',
    'docker-compose.yml',
    'services/keyer/src/main.ts',
    'services/keyer/main.ts',
    /names services\/keyer\/main\.ts/,
  ],
  ['an image without a version', 'docker-compose.yml', 'apache/kafka:4.4.0', 'apache/kafka:latest', /not pinned/],
  [
    'a mount that does not exist',
    'docker-compose.yml',
    './deploy/postgres/',
    './deploy/database/',
    /mounts \.\/deploy\/database/,
  ],
  ['a volume that is not declared', 'docker-compose.yml', "'kafka-data:/", "'broker-data:/", /volume "broker-data"/],
  [
    'a service that has no entry',
    'docker-compose.yml',
    '\n  loader:',
    '\n  uploader:',
    /services\/loader has no entry/,
  ],
  ['a copied file that does not exist', 'Dockerfile', 'COPY patches', 'COPY fixes', /names fixes/],
  ['an image that runs as root', 'Dockerfile', 'USER node', 'USER root', /runs as root/],
] as const;

for (const [title, file, from, to, expected] of broken) {
  test(`finds ${title}`, () => {
    assert.match(problemsWith(file, from, to).join('\n'), expected);
  });
}
