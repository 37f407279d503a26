import type { BudgetLimits } from './budget.ts';

/** Who may write: a role below admin is refused as a wrong secret is (Mixpanel fact sheet, section 2). */
export interface ServiceAccount {
  readonly username: string;
  readonly secret: string;
  readonly role?: 'owner' | 'admin' | 'analyst' | 'consumer';
  /** Epoch ms from which it is refused. */
  readonly expiresAt?: number;
}

export interface MixpanelProject {
  readonly id: string;
  readonly token: string;
  /** The legacy project secret, when the project still has one. */
  readonly secret?: string;
  readonly serviceAccounts: readonly ServiceAccount[];
}

/** Records that are refused although nothing is wrong with them, as a rule of the project would. */
export interface Refusal {
  readonly property: string;
  /** Without a value any record that has the property. */
  readonly value?: string | number | boolean;
  readonly message: string;
}

/** What may differ between projects, or what nobody has documented for certain. */
export interface MixpanelSettings {
  /** Uncompressed bytes of a request: 10 MB by the documentation, 2097152 by its sample of a 413. */
  byteLimit: number;
  /** Who has no `distinct_id` is refused by projects with the original id merge alone. */
  idMerge: 'simplified' | 'original';
  /** An event of 1 MB or more fails alone (400) or takes its request with it (413). */
  oversizedEvent: 'record' | 'request';
  /** The key of the id in `failed_records`: documents disagree. */
  insertIdKey: 'insert_id' | '$insert_id';
  /** Seconds to send as `Retry-After` with a 429; none is documented. */
  retryAfter: number | null;
  budget: BudgetLimits;
  refusals: readonly Refusal[];
  /** Events of one person on one day from which on they are set aside (section 9). */
  hotShardEvents: number;
}

export interface MixpanelOptions extends Partial<MixpanelSettings> {
  readonly projects?: readonly MixpanelProject[];
  /** `N/Ts` over requests, beside the budget of events and bytes; `off` (default). */
  readonly rateLimit?: string;
  readonly latencyMs?: number;
  /** The server's clock, epoch ms. */
  readonly now?: () => number;
}

export const DEFAULT_PROJECT: MixpanelProject = {
  id: '3000001',
  token: '6d69787061006e656c0073696d756c31',
  serviceAccounts: [{ username: 'outreach.simulated.mp-service-account', secret: 'mp-simulated-secret' }],
};

export const DEFAULT_SETTINGS: MixpanelSettings = {
  byteLimit: 10 * 1024 * 1024,
  idMerge: 'simplified',
  oversizedEvent: 'record',
  insertIdKey: 'insert_id',
  retryAfter: null,
  budget: { events: 1_800_000, bytes: 2 * 1024 ** 3, spanMs: 60_000 },
  refusals: [],
  hotShardEvents: 200_000,
};

/**
 * Applies settings that came over the control address.
 * @throws Error naming the first that is unknown or of the wrong type.
 */
export function applySettings(settings: MixpanelSettings, given: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(settings, name)) throw new Error(`mixpanel has no setting ${name}`);
    const current = settings[name as keyof MixpanelSettings];
    const isFitting =
      name === 'retryAfter' ? value === null || typeof value === 'number' : typeof value === typeof current;
    if (!isFitting) throw new Error(`mixpanel setting ${name} cannot be ${JSON.stringify(value)}`);
  }
  Object.assign(settings, given);
}
