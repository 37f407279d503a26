import { escape, isObject, readKey, readNamespaces } from './namespaces-file.ts';
import type { Report } from './namespaces-file.ts';
import { rememberSecret } from './redact.ts';

/** A field of a destination's entry: a text, or (its name ends in `Env`) the name of a variable that holds one. */
export interface CredentialField {
  readonly required: boolean;
}

/** The entry of a namespace, by field name without `Env`; null = the namespace goes to no such destination. */
export type NamespaceCredentials = Readonly<Record<string, string>> | null;

/**
 * What NAMESPACES_FILE says of a destination, by namespace: `{"acme": {"mixpanel": {"projectId": "7",
 * "serviceAccountSecretEnv": "MIXPANEL_SECRET_ACME"}}}`. Namespaces that it says nothing of are left out: they have the
 * destination's own variables. Values from variables are hidden in logs from then on (I7).
 *
 * @throws ConfigurationError that lists every problem with its JSON pointer.
 */
export function loadNamespaceCredentials(options: {
  /** The path; none when there is no file. */
  readonly path: string | undefined;
  readonly destination: string;
  readonly fields: Readonly<Record<string, CredentialField>>;
  readonly env?: NodeJS.ProcessEnv;
}): ReadonlyMap<string, NamespaceCredentials> {
  const { path, destination, fields, env = process.env } = options;
  const found = new Map<string, NamespaceCredentials>();
  readNamespaces(path, (namespace, entry, pointer, report) => {
    if (!isObject(entry)) {
      report(pointer, 'expected an object');
      return;
    }
    const own = entry[destination];
    if (own === undefined) return;
    const at = `${pointer}/${escape(destination)}`;
    if (own === null) found.set(namespace, null);
    else if (isObject(own)) found.set(namespace, readCredentials(own, { at, fields, env, report }));
    else report(at, `expected an object, or null for none`);
  });
  return found;
}

function readCredentials(
  entry: Readonly<Record<string, unknown>>,
  by: {
    readonly at: string;
    readonly fields: Readonly<Record<string, CredentialField>>;
    readonly env: NodeJS.ProcessEnv;
    readonly report: Report;
  },
): Readonly<Record<string, string>> {
  const { at, fields, env, report } = by;
  const values: Record<string, string> = {};
  const known = Object.keys(fields);
  for (const name of Object.keys(entry)) {
    if (!known.includes(name)) report(`${at}/${escape(name)}`, `is not a known field; known: ${known.join(', ')}`);
  }
  for (const [name, { required }] of Object.entries(fields)) {
    const value = entry[name];
    const pointer = `${at}/${escape(name)}`;
    if (value === undefined) {
      if (required) report(pointer, 'is required');
    } else if (name.endsWith('Env')) {
      const key = readKey(value, pointer, env, report);
      if (key === null) continue;
      rememberSecret(key.apiKey);
      values[name.slice(0, -'Env'.length)] = key.apiKey;
    } else {
      const text = typeof value === 'number' ? String(value) : value;
      if (typeof text === 'string' && text.trim() !== '') values[name] = text.trim();
      else report(pointer, 'expected a text');
    }
  }
  return values;
}

/** Whether NAMESPACES_FILE gives a namespace to a destination; undefined = it says nothing of that. */
export type NamespaceMentions = (namespace: string, destination: string) => boolean | undefined;

/** Which destinations NAMESPACES_FILE names for which namespaces, for those who do not deliver; reads no variables. */
export function loadNamespaceMentions(path: string | undefined): NamespaceMentions {
  const entries = readNamespaces(path, (_namespace, entry) => (isObject(entry) ? entry : {}));
  return (namespace, destination) => {
    const entry = entries?.get(namespace)?.[destination];
    return entry === undefined ? undefined : entry !== null;
  };
}
