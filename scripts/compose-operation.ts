import { fieldsOf, textsOf } from './parsed-fields.ts';
import type { Fields } from './parsed-fields.ts';

/*
 * How the containers of docker-compose.yml run: that each is watched, started again, bounded, and not root's; that a
 * profile has all it needs; and that variables and ports are those of somebody who reads and opens them.
 */

const PROFILES: readonly string[] = ['core', 'monitoring', 'simulators', 'tools'];
const RESTARTS: ReadonlySet<unknown> = new Set(['unless-stopped', 'always']);
/** The image that the Dockerfile makes, which has a user of its own. */
const isOurs = (service: Fields): boolean => service['build'] !== undefined;

/** What is missing for one container to run unattended. One that ends by itself needs no health check. */
export function operationProblems(service: Fields): readonly string[] {
  const limits = fieldsOf(fieldsOf(fieldsOf(service['deploy'])['resources'])['limits']);
  const runsOn = !endsByItself(service);
  const expected: readonly (readonly [boolean, string])[] = [
    [!runsOn || service['healthcheck'] !== undefined, 'has no health check'],
    [!runsOn || RESTARTS.has(service['restart']), 'is not started again when it ends'],
    [typeof limits['memory'] === 'string', 'its memory is not limited'],
    [typeof limits['cpus'] === 'string', 'its processors are not limited'],
    [isOurs(service) || isUser(service['user']), 'runs as root'],
    [!isOurs(service) || service['user'] === undefined || isUser(service['user']), 'runs as root'],
    [JSON.stringify(service['security_opt'] ?? '').includes('no-new-privileges:true'), 'may gain privileges'],
  ];
  return [...new Set(expected.filter(([holds]) => !holds).map(([, problem]) => problem))];
}

function endsByItself(service: Fields): boolean {
  return service['restart'] === 'no' || String(service['restart']).startsWith('on-failure');
}

function isUser(user: unknown): boolean {
  return typeof user === 'string' && user !== '' && !/^(?:root|0)(?::|$)/.test(user);
}

/** A profile that is unknown, or one in which a service would miss what it depends on. */
export function profileProblems(service: Fields, services: Fields): readonly string[] {
  const own = textsOf(service['profiles']);
  const unknown = own.filter((name) => !PROFILES.includes(name)).map((name) => `its profile ${name} is unknown`);
  const lacking = Object.keys(fieldsOf(service['depends_on'])).flatMap((name) => {
    const theirs = textsOf(fieldsOf(services[name])['profiles']);
    return theirs.length === 0 || own.every((profile) => theirs.includes(profile))
      ? []
      : [`depends on ${name}, which is not part of ${own.join(' and ')}`];
  });
  return [...(own.length === 0 ? ['is part of no profile'] : []), ...unknown, ...lacking];
}

export interface Variables {
  /** What our programs read: the names in .env.example. */
  readonly read: ReadonlySet<string>;
  /** Text of docs/configuration.md, which also has those of the command line tool and of the compose file alone. */
  readonly documented: string;
}

/** Variables that nobody reads, or that nobody can find out about. */
export function variableProblems(service: Fields, { read, documented }: Variables): readonly string[] {
  const given = isOurs(service) ? Object.keys(fieldsOf(service['environment'])) : [];
  const asked = [...JSON.stringify(service).matchAll(/\$\{(\w+)/g)].map(([, name]) => name ?? '');
  return [
    ...given
      .filter((name) => !read.has(name) && !documented.includes(`| \`${name}\``))
      .map((name) => `sets ${name}, which nothing reads`),
    ...[...new Set(asked)]
      .filter((name) => !read.has(name) && !documented.includes(`\`${name}\``))
      .map((name) => `asks for ${name}, which docs/configuration.md does not explain`),
  ];
}

/** Variables of .env.example that no container of ours is given. */
export function forgottenVariables(services: Fields, read: ReadonlySet<string>): readonly string[] {
  const given = new Set(
    Object.values(services)
      .map(fieldsOf)
      .filter(isOurs)
      .flatMap((service) => [
        ...Object.keys(fieldsOf(service['environment'])),
        ...Object.keys(fieldsOf(fieldsOf(service['build'])['args'])),
      ]),
  );
  return [...read]
    .filter((name) => !given.has(name) && !NOT_IN_CONTAINERS.test(name))
    .map((name) => `no container is given ${name}`);
}

/** Of the local stack; for terminals; what the image has from its build; what only a broker and a registry elsewhere need. */
const NOT_IN_CONTAINERS =
  /^(?:FULL_SYNC_HOME|LOG_PRETTY|API_URL|API_KEY|BUILD_REVISION|DATABASE_POOL_MAX|KAFKA_(?:SSL|SASL_\w+)|SCHEMA_REGISTRY_(?:USERNAME|PASSWORD))$/;

/** Ports that are asked or published and that the process inside does not open, and host ports used twice. */
export function portProblems(services: Fields): readonly string[] {
  const published = Object.entries(services).flatMap(([name, service]) =>
    textsOf(fieldsOf(service)['ports']).map((port) => ({
      name,
      host: port.split(':').at(-2) ?? '',
      inside: port.split(':').at(-1) ?? '',
    })),
  );
  const hosts = published.map(({ host }) => host);
  const inner = Object.entries(services).flatMap(([name, value]) => {
    const service = fieldsOf(value);
    const opened = openedPorts(service);
    const asked = askedPorts(service);
    const inside = published.filter((port) => port.name === name).map((port) => port.inside);
    return [...new Set([...asked, ...inside])]
      .filter((port) => opened !== null && !opened.has(port))
      .map((port) => `${name}: port ${port} is asked or published, and nothing listens there`);
  });
  return [
    ...inner,
    ...published
      .filter(({ host }, index) => hosts.indexOf(host) !== index)
      .map(({ name, host }) => `${name}: port ${host} of the host is taken by another one`),
    ...published
      .filter(({ name }) => textsOf(fieldsOf(services[name])['ports']).some((port) => !port.startsWith('127.0.0.1:')))
      .map(({ name }) => `${name}: publishes a port beyond loopback`),
  ];
}

/** The ports that a container's settings say it opens; null where they do not say. */
function openedPorts(service: Fields): ReadonlySet<string> | null {
  const settings = Object.entries(fieldsOf(service['environment'])).map(([name, value]) => `${name}=${String(value)}`);
  const words = [...settings, ...[service['command'] ?? []].flat().map(String)];
  const ports = words.flatMap((word) => {
    const listeners = /^KAFKA_LISTENERS=(.*)$/.exec(word)?.[1];
    if (listeners !== undefined) return [...listeners.matchAll(/:(\d+)/g)].map(([, port]) => port ?? '');
    const [, port] =
      /(?:^(?!POSTGRES|KAFKA)[A-Z_]*_PORT=|^--port=|^--web\.listen-address=[\d.]*:)(?:\$\{\w+:-)?(\d+)\}?$/.exec(
        word,
      ) ?? [];
    return port === undefined ? [] : [port];
  });
  return ports.length === 0 ? null : new Set(ports);
}

function askedPorts(service: Fields): readonly string[] {
  const test = [fieldsOf(service['healthcheck'])['test'] ?? []].flat().map(String).join(' ');
  return [...test.matchAll(/127\.0\.0\.1:(?:\$\{\w+:-)?(\d+)/g), ...test.matchAll(/connect\((\d+)/g)].map(
    ([, port]) => port ?? '',
  );
}
