import { readFileSync } from 'node:fs';
import { ConfigurationError } from './errors.ts';
import { rememberSecret } from './redact.ts';

/** The account that a namespace reads on a platform, and which of its campaigns. */
export interface NamespaceSource {
  /** The variable that holds the key. */
  readonly apiKeyEnv: string;
  readonly apiKey: string;
  /** Ids as text; null = all campaigns. */
  readonly filter: { readonly campaigns: readonly string[] | null; readonly exclude: readonly string[] } | null;
}

/** Namespace → platform → source. */
export type NamespaceMap = ReadonlyMap<string, ReadonlyMap<string, NamespaceSource>>;

const variable = 'NAMESPACES_FILE';
const namespacePattern = /^[a-z0-9_-]{1,63}$/;
/** Capitals only: a key that was written where its variable's name belongs is not taken for one, and so never shown. */
const envPattern = /^[A-Z_][A-Z0-9_]*$/;
const fields: readonly string[] = ['apiKeyEnv', 'campaigns', 'exclude'];

/** Notes a problem at a JSON pointer. */
export type Report = (pointer: string, message: string) => void;

/**
 * Reads NAMESPACES_FILE: which account and which of its campaigns each namespace reads. Null when no file is configured.
 * The keys are hidden in logs from then on (I7).
 *
 * @throws ConfigurationError that lists every problem with its JSON pointer: no file, no JSON, an unknown platform or
 * field, a variable that is not set.
 */
export function loadNamespaces(options: {
  /** The path; relative ones are taken from the working directory. */
  readonly path: string | undefined;
  readonly platforms: readonly string[];
  /** Names that entries may hold as well, and that are somebody else's to read (`loadNamespaceCredentials`). */
  readonly destinations?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}): NamespaceMap | null {
  const { path, platforms, destinations = [], env = process.env } = options;
  const namespaces = readNamespaces(path, (namespace, entry, pointer, report) =>
    readEntry({ entry, pointer, namespace, platforms, destinations, env, report }),
  );
  if (namespaces === null) return null;
  for (const sources of namespaces.values()) for (const { apiKey } of sources.values()) rememberSecret(apiKey);
  return namespaces;
}

/**
 * Reads the file entry by entry; null when no file is configured.
 *
 * @throws ConfigurationError that lists every problem that was reported.
 */
export function readNamespaces<Entry>(
  path: string | undefined,
  read: (namespace: string, entry: unknown, pointer: string, report: Report) => Entry,
): ReadonlyMap<string, Entry> | null {
  if (path === undefined || path.trim() === '') return null;
  const problems: { readonly name: string; readonly message: string }[] = [];
  const report: Report = (pointer, message) => {
    problems.push({ name: variable, message: pointer === '' ? message : `${pointer}: ${message}` });
  };
  const document = parseFile(path.trim(), report);
  const entries = new Map<string, Entry>();
  if (isObject(document)) {
    for (const [namespace, entry] of Object.entries(document))
      entries.set(namespace, read(namespace, entry, `/${escape(namespace)}`, report));
  } else if (document !== undefined) {
    report('', 'expected a JSON object, namespace by namespace');
  }
  if (problems.length > 0) throw new ConfigurationError(problems);
  return entries;
}

function parseFile(path: string, report: Report): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    report('', `expected the path of a JSON file that can be read; got ${JSON.stringify(path)} (${code})`);
    return undefined;
  }
  try {
    return JSON.parse(text.replace(/^\uFEFF/, '')) as unknown;
  } catch (error) {
    // Without what stands there: somebody may have written a key into the file.
    const place = /position \d+(?: \(line \d+ column \d+\))?/.exec(error instanceof Error ? error.message : '');
    report('', `expected JSON in ${JSON.stringify(path)}; it is none${place === null ? '' : `, at ${place[0]}`}`);
    return undefined;
  }
}

function readEntry(entry: {
  readonly entry: unknown;
  readonly pointer: string;
  readonly namespace: string;
  readonly platforms: readonly string[];
  readonly destinations: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly report: Report;
}): ReadonlyMap<string, NamespaceSource> {
  const { pointer, namespace, platforms, destinations, env, report } = entry;
  const sources = new Map<string, NamespaceSource>();
  if (!namespacePattern.test(namespace)) report(pointer, 'expected a namespace: 1 to 63 of a-z, 0-9, "_" and "-"');
  if (!isObject(entry.entry)) {
    report(pointer, `expected an object with ${platforms.join(', ')}`);
    return sources;
  }
  for (const [platform, source] of Object.entries(entry.entry)) {
    const at = `${pointer}/${escape(platform)}`;
    if (destinations.includes(platform)) continue;
    if (!platforms.includes(platform)) {
      report(at, `expected one of ${[...platforms, ...destinations].join(', ')}`);
      continue;
    }
    const read = readSource(source, at, env, report);
    if (read !== null) sources.set(platform, read);
  }
  return sources;
}

function readSource(source: unknown, pointer: string, env: NodeJS.ProcessEnv, report: Report): NamespaceSource | null {
  if (!isObject(source)) {
    report(pointer, 'expected an object with "apiKeyEnv"');
    return null;
  }
  for (const name of Object.keys(source)) {
    if (!fields.includes(name))
      report(`${pointer}/${escape(name)}`, `is not a known field; known: ${fields.join(', ')}`);
  }
  const { apiKeyEnv } = source;
  const key = readKey(apiKeyEnv, `${pointer}/apiKeyEnv`, env, report);
  const campaigns = readIds(source['campaigns'], `${pointer}/campaigns`, report);
  const exclude = readIds(source['exclude'], `${pointer}/exclude`, report) ?? [];
  if (campaigns?.length === 0)
    report(`${pointer}/campaigns`, 'expected at least one id; leave it out for all campaigns');
  if (key === null) return null;
  const filter = campaigns === null && exclude.length === 0 ? null : { campaigns, exclude };
  return { ...key, filter };
}

/** The value of the variable that an entry names; null when it names none that is set. */
export function readKey(
  name: unknown,
  pointer: string,
  env: NodeJS.ProcessEnv,
  report: Report,
): { readonly apiKeyEnv: string; readonly apiKey: string } | null {
  if (typeof name !== 'string' || !envPattern.test(name)) {
    report(pointer, 'expected the name of an environment variable (A-Z, 0-9, "_"); what is there is not shown');
    return null;
  }
  const apiKey = (env[name] ?? '').trim();
  if (apiKey !== '') return { apiKeyEnv: name, apiKey };
  report(pointer, `expected a variable that is set; ${name} is not`);
  return null;
}

/** Ids as text, each once; null when there is no list. */
function readIds(value: unknown, pointer: string, report: Report): readonly string[] | null {
  if (value === undefined || value === null) return null;
  if (!Array.isArray(value)) {
    report(pointer, 'expected an array of campaign ids');
    return null;
  }
  const ids: string[] = [];
  for (const [index, item] of (value as readonly unknown[]).entries()) {
    const id = typeof item === 'number' && Number.isSafeInteger(item) ? String(item) : item;
    if (typeof id === 'string' && id.trim() !== '') ids.push(id.trim());
    else report(`${pointer}/${index}`, 'expected a campaign id: a text, or a whole number up to 2^53 - 1');
  }
  return [...new Set(ids)].toSorted();
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A name as part of a JSON pointer (RFC 6901). */
export function escape(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}
