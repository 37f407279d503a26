import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { composeProblems } from './check-compose.ts';

const root = join(import.meta.dirname, '..');
const COMPOSE = 'docker-compose.yml';

/** The repository's own files with one text of the compose file (or the Dockerfile) replaced. */
function problemsWith(file: string, from: string | RegExp, to: string): readonly string[] {
  const directory = mkdtempSync(join(tmpdir(), 'full-sync-compose-test-'));
  try {
    for (const name of [
      'docker-compose.yml',
      'Dockerfile',
      'package.json',
      'pnpm-lock.yaml',
      'pnpm-workspace.yaml',
      '.env.example',
    ]) {
      cpSync(join(root, name), join(directory, name));
    }
    for (const name of ['deploy', 'patches']) cpSync(join(root, name), join(directory, name), { recursive: true });
    mkdirSync(join(directory, 'docs'));
    cpSync(join(root, 'docs', 'configuration.md'), join(directory, 'docs', 'configuration.md'));
    for (const group of ['services', 'packages']) {
      for (const member of readdirSync(join(root, group))) {
        mkdirSync(join(directory, group, member, 'src'), { recursive: true });
        writeFileSync(join(directory, group, member, 'src', 'main.ts'), '');
      }
    }
    const text = readFileSync(join(directory, file), 'utf8');
    const changed = text.replace(from, to);
    assert.ok(from === to || changed !== text, `${file} has no ${from}`);
    writeFileSync(join(directory, file), changed);
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
    COMPOSE,
    'restart: unless-stopped',
    'restarts: unless-stopped',
    /must NOT have/,
  ],
  [
    'a command that does not exist',
    COMPOSE,
    'services/keyer/src/main.ts',
    'services/keyer/main.ts',
    /names services\/keyer\/main\.ts/,
  ],
  ['an image without a version', COMPOSE, 'apache/kafka:4.4.0', 'apache/kafka:latest', /not pinned/],
  ['a mount that does not exist', COMPOSE, './deploy/postgres/', './deploy/database/', /mounts \.\/deploy\/database/],
  ['a volume that is not declared', COMPOSE, "'kafka-data:/", "'broker-data:/", /volume "broker-data"/],
  ['a service that has no entry', COMPOSE, '\n  loader:', '\n  uploader:', /services\/loader has no entry/],
  ['a copied file that does not exist', 'Dockerfile', 'COPY patches', 'COPY fixes', /names fixes/],
  ['a container that nobody watches', COMPOSE, '    healthcheck:\n', '    x-health:\n', /no health check/],
  [
    'one that stays down',
    COMPOSE,
    /restart: unless-stopped\n(?=  # A service may)/,
    '',
    /extractor: is not started again/,
  ],
  ['one that may take all memory', COMPOSE, ', memory: 2G', '', /postgres: its memory is not limited/],
  ['one that runs as root', COMPOSE, 'user: appuser', "user: '0:0'", /kafka: runs as root/],
  ['one that may gain privileges', COMPOSE, "security_opt: ['no", "x-opt: ['no", /may gain privileges/],
  ['a profile that is unknown', COMPOSE, 'profiles: [tools]', 'profiles: [toolbox]', /profile toolbox is unknown/],
  [
    'a profile that lacks what a service depends on',
    COMPOSE,
    /(apicurio-registry:3\.0\.9\n    profiles: )\[core\]/,
    '$1[monitoring]',
    /depends on registry, which is not part of core/,
  ],
  ['a variable that nothing reads', COMPOSE, 'LOG_LEVEL:', 'LOGGING_LEVEL:', /sets LOGGING_LEVEL, which nothing reads/],
  ['a variable that nobody is given', COMPOSE, 'LOG_LEVEL:', 'LOGGING_LEVEL:', /no container is given LOG_LEVEL/],
  ['a variable that nothing explains', COMPOSE, '${RUNBOOK_URL', '${RUNBOOK', /asks for RUNBOOK,/],
  ['a health check at a port where nobody listens', COMPOSE, ':9103/readyz', ':9109/readyz', /port 9109 is asked/],
  ['a published port where nobody listens', COMPOSE, ':9104:9104', ':9104:9105', /port 9105 is asked or published/],
  ['a port of the host that is taken', COMPOSE, ':9104:9104', ':9103:9104', /port 9103 of the host is taken/],
  ['a port open to the network', COMPOSE, "'127.0.0.1:9104", "'0.0.0.0:9104", /beyond loopback/],
  ['one that may take all processors', COMPOSE, "cpus: '4', ", '', /postgres: its processors are not limited/],
  ['one without an image', COMPOSE, '    image: prom/prometheus:v3.5.0\n', '', /prometheus: has no image/],
  ['one that is part of no profile', COMPOSE, '    profiles: [tools]\n', '', /cli: is part of no profile/],
  ['a build without a Dockerfile', COMPOSE, 'context: ., args', 'context: deploy, args', /names deploy\/Dockerfile/],
  [
    'a wait for a service that does not exist',
    COMPOSE,
    'prometheus: { condition: service_healthy }',
    'prometeus: { condition: service_healthy }',
    /depends on prometeus, which does not exist/,
  ],
  [
    'a wait for the health of one that has no check',
    COMPOSE,
    'migrations: { condition: service_completed_successfully }',
    'migrations: { condition: service_healthy }',
    /waits for migrations to be healthy, which has no health check/,
  ],
  ['a base image without a version', 'Dockerfile', /FROM node:\S+ AS/, 'FROM node AS', /Dockerfile is not pinned/],
  [
    'a default command that does not exist',
    'Dockerfile',
    'CMD ["services/api/src/',
    'CMD ["services/app/src/',
    /names services\/app/,
  ],
  ['an image that runs as root', 'Dockerfile', 'USER node', 'USER root', /runs as root/],
] as const;

for (const [title, file, from, to, expected] of broken) {
  test(`finds ${title}`, () => {
    assert.match(problemsWith(file, from, to).join('\n'), expected);
  });
}
