/** A token and what it may do; one token per application (Attio fact sheet, section 1). */
export interface AttioToken {
  readonly token: string;
  readonly scopes: readonly string[];
}

/** A list of people or companies, with attributes of its own. */
export interface AttioListSpec {
  readonly slug: string;
  readonly parentObject: string;
}

export interface AttioWorkspace {
  readonly id: string;
  readonly name: string;
  readonly tokens: readonly AttioToken[];
  readonly lists?: readonly AttioListSpec[];
}

/** What may differ between workspaces, what may change under a client, and what nobody has documented for certain. */
export interface AttioSettings {
  /** Requests per second of the clock, per workspace; 0 = no limit. */
  writesPerSecond: number;
  readsPerSecond: number;
  /** How far the server's clock is ahead of the true one: `Date` and `Retry-After` tell its time. */
  clockSkewMs: number;
  /** Whether the activities beta is on; off, its paths do not exist. */
  activities: boolean;
  /** All tokens have been revoked. */
  revoked: boolean;
  /** A new person is linked to the company of the address's domain, which is created if need be. */
  linksCompanies: boolean;
}

export interface AttioOptions extends Partial<AttioSettings> {
  readonly workspaces?: readonly AttioWorkspace[];
  /** `N/Ts` over all requests, beside the limits of reads and writes; `off` (default). */
  readonly rateLimit?: string;
  readonly latencyMs?: number;
  /** The true clock, epoch ms. */
  readonly now?: () => number;
}

export const ALL_SCOPES: readonly string[] = [
  'record_permission:read-write',
  'object_configuration:read-write',
  'list_entry:read-write',
  'list_configuration:read-write',
  'note:read-write',
  'activity_record:read-write',
  'activity_configuration:read-write',
];

export const DEFAULT_WORKSPACE: AttioWorkspace = {
  id: '5f0c6b1e-7f0a-4a52-9d1c-2a6f35f3a001',
  name: 'Simulated',
  tokens: [{ token: 'attio-simulated-token-0123456789abcdef', scopes: ALL_SCOPES }],
  lists: [{ slug: 'outreach', parentObject: 'people' }],
};

export const DEFAULT_SETTINGS: AttioSettings = {
  writesPerSecond: 25,
  readsPerSecond: 100,
  clockSkewMs: 0,
  activities: false,
  revoked: false,
  linksCompanies: true,
};

/**
 * Applies settings that came over the control address; `deleteAttributes` (`["people.outreach_status"]`) is handed to
 * `deleteAttribute`.
 * @throws Error naming the first that is unknown or of the wrong type.
 */
export function applySettings(
  settings: AttioSettings,
  given: Readonly<Record<string, unknown>>,
  deleteAttribute: (object: string, slug: string) => void,
): void {
  const { deleteAttributes = [], ...plain } = given;
  for (const [name, value] of Object.entries(plain)) {
    if (!Object.hasOwn(settings, name)) throw new Error(`attio has no setting ${name}`);
    if (typeof value !== typeof settings[name as keyof AttioSettings]) {
      throw new Error(`attio setting ${name} cannot be ${JSON.stringify(value)}`);
    }
  }
  if (!Array.isArray(deleteAttributes)) throw new Error('attio setting deleteAttributes must be a list');
  for (const name of deleteAttributes) {
    const [object = '', slug = ''] = String(name).split('.');
    deleteAttribute(object, slug);
  }
  Object.assign(settings, plain);
}
