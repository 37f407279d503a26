import { createHash } from 'node:crypto';
import type { HttpAuth } from '@full-sync/http-client';
import { ConfigurationError, loadNamespaceCredentials } from '@full-sync/runtime';
import type { Static } from 'typebox';
import type { configSchema } from './config.ts';

/** The variables that say where events go. */
export type ProjectSettings = Pick<
  Static<typeof configSchema>,
  | 'MIXPANEL_PROJECT_ID'
  | 'MIXPANEL_SERVICE_ACCOUNT_USERNAME'
  | 'MIXPANEL_SERVICE_ACCOUNT_SECRET'
  | 'MIXPANEL_PROJECT_TOKEN'
  | 'MIXPANEL_BASE_URL'
  | 'NAMESPACES_FILE'
>;

/** A Mixpanel project and how it is written to. */
export interface Project {
  /** The hash it goes by in the ledger, in logs and in metrics. */
  readonly id: string;
  readonly baseUrl: string;
  readonly projectId: string | null;
  readonly auth: Extract<HttpAuth, { readonly kind: 'basic' }>;
  /** Without it there are no profiles: `/engage` knows no other credential. */
  readonly token: string | null;
}

interface Credentials {
  readonly baseUrl: string;
  readonly projectId: string | undefined;
  readonly username: string | undefined;
  readonly secret: string | undefined;
  readonly token: string | undefined;
}

const fields = {
  projectId: { required: false },
  serviceAccountUsername: { required: false },
  serviceAccountSecretEnv: { required: false },
  projectTokenEnv: { required: false },
  baseUrl: { required: false },
} as const;

/** The projects that events go to. */
export interface Projects {
  /** The project of a namespace: its entry in NAMESPACES_FILE, else the variables; null without credentials. */
  readonly of: (namespace: string) => Project | null;
  readonly several: boolean;
}

/**
 * Reads which namespaces go to which project.
 *
 * @throws ConfigurationError for an entry that opens no project, and for the number of a project that nothing opens.
 */
export function loadProjects(config: ProjectSettings): Projects {
  const others = projectOf({
    baseUrl: config.MIXPANEL_BASE_URL,
    projectId: config.MIXPANEL_PROJECT_ID,
    username: config.MIXPANEL_SERVICE_ACCOUNT_USERNAME,
    secret: config.MIXPANEL_SERVICE_ACCOUNT_SECRET,
    token: config.MIXPANEL_PROJECT_TOKEN,
  });
  if (others === null && config.MIXPANEL_PROJECT_ID !== undefined) throw withoutCredential();
  const entries = loadNamespaceCredentials({ path: config.NAMESPACES_FILE, destination: 'mixpanel', fields });
  const own = new Map<string, Project | null>();
  for (const [namespace, entry] of entries) {
    const project = entry === null ? null : projectOf(credentialsOf(entry, config.MIXPANEL_BASE_URL));
    if (entry !== null && project === null) throw incomplete(namespace);
    own.set(namespace, project);
  }
  const ids = new Set([others, ...own.values()].flatMap((project) => project?.id ?? []));
  return {
    of: (namespace) => {
      const found = own.get(namespace);
      return found === undefined ? others : found;
    },
    several: ids.size > 1,
  };
}

function credentialsOf(entry: Readonly<Record<string, string>>, baseUrl: string): Credentials {
  return {
    baseUrl: entry['baseUrl'] ?? baseUrl,
    projectId: entry['projectId'],
    username: entry['serviceAccountUsername'],
    secret: entry['serviceAccountSecret'],
    token: entry['projectToken'],
  };
}

/** A service account wins over a token (Mixpanel fact sheet, section 2), which then is for profiles alone. */
function projectOf({ baseUrl, projectId, username, secret, token }: Credentials): Project | null {
  const withAccount = username !== undefined && secret !== undefined && projectId !== undefined;
  if (!withAccount && token === undefined) return null;
  const auth = withAccount ? { username, password: secret } : { username: token ?? '', password: '' };
  const url = URL.parse(baseUrl);
  // A new secret, or an account in place of a token, still is the same project: what was sent stays sent.
  const identity = [url?.href.replace(/\/$/, '') ?? baseUrl, projectId ?? `token ${token ?? ''}`];
  return {
    id: createHash('sha256').update(JSON.stringify(identity)).digest('hex'),
    baseUrl,
    projectId: projectId ?? null,
    auth: { kind: 'basic', ...auth },
    token: token ?? null,
  };
}

function withoutCredential(): ConfigurationError {
  const message =
    'expected a service account, or MIXPANEL_PROJECT_TOKEN, because MIXPANEL_PROJECT_ID is set; neither is set';
  return new ConfigurationError([{ name: 'MIXPANEL_SERVICE_ACCOUNT_USERNAME', message }]);
}

function incomplete(namespace: string): ConfigurationError {
  const message = `/${namespace}/mixpanel: expected projectId with serviceAccountUsername and serviceAccountSecretEnv, or projectTokenEnv`;
  return new ConfigurationError([{ name: 'NAMESPACES_FILE', message }]);
}
