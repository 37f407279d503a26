import { loadNamespaceCredentials } from '@full-sync/runtime';

/** Which key opens the workspace of which namespace. */
export interface Keys {
  /** Namespaces that have a word of their own; null: they go to no workspace. */
  readonly byNamespace: ReadonlyMap<string, string | null>;
  /** The key of all others; null: they go to none. */
  readonly others: string | null;
}

/**
 * Reads ATTIO_API_KEY and what NAMESPACES_FILE says of `attio`: `{"acme": {"attio": {"apiKeyEnv": "ATTIO_API_KEY_ACME"}}}`,
 * or `null` for none.
 *
 * @throws ConfigurationError that lists every problem of the file.
 */
export function readKeys(config: { readonly ATTIO_API_KEY?: string; readonly NAMESPACES_FILE?: string }): Keys {
  const credentials = loadNamespaceCredentials({
    path: config.NAMESPACES_FILE,
    destination: 'attio',
    fields: { apiKeyEnv: { required: true } },
  });
  const byNamespace = new Map([...credentials].map(([namespace, own]) => [namespace, own?.['apiKey'] ?? null]));
  return { byNamespace, others: config.ATTIO_API_KEY ?? null };
}

/** The key of a namespace's workspace; null: its events go to none. */
export function keyOf({ byNamespace, others }: Keys, namespace: string): string | null {
  const own = byNamespace.get(namespace);
  return own === undefined ? others : own;
}

/** Every key once. */
export function allKeys({ byNamespace, others }: Keys): readonly string[] {
  return [...new Set([...byNamespace.values(), others])].filter((key) => key !== null);
}
