import { SimulatorControl } from '../core/control.ts';
import { ledgerOf } from '../core/ledger.ts';
import { PlatformGate, installGate } from '../core/platform.ts';
import { draw } from '../core/random.ts';
import type { PlatformSimulator } from '../core/simulator.ts';
import { SIZES } from '../size.ts';
import type { SortOrder } from './account.ts';
import { SmartleadAccount } from './account.ts';
import { advanceSmartlead } from './advance.ts';
import type { SmartleadFact } from './ledger.ts';
import { smartleadFacts, smartleadLines } from './ledger.ts';
import { leadRoutes } from './lead-routes.ts';
import { smartleadManners } from './manners.ts';
import { campaignRoutes } from './routes.ts';

export interface SmartleadOptions {
  readonly seed?: number;
  readonly campaigns?: number;
  readonly rows?: number;
  readonly apiKey?: string;
  /** `N/Ts`, several joined by commas, or `off` (default). */
  readonly rateLimit?: string;
  /** Limit of `all-leads-activities` alone: `10/60s`, or `off` when `rateLimit` is off. */
  readonly activitiesRateLimit?: string;
  /** Whether a 429 carries `Retry-After`; the documents admit it may be missing. */
  readonly retryAfter?: 'present' | 'missing';
  readonly latencyMs?: number;
  /** Mean length of `email_message`; 0 leaves bodies null. */
  readonly bodyBytes?: number;
  readonly sort?: SortOrder;
  /** Rows that cannot become events. */
  readonly brokenRecords?: number;
}

/** Builds a Smartlead account with its API. */
export function buildSmartlead(options: SmartleadOptions): PlatformSimulator<SmartleadFact> {
  const seed = options.seed ?? 1;
  const rateLimit = options.rateLimit ?? 'off';
  const apiKey = options.apiKey ?? `sl-${draw(seed, 1, 1).toString(16).padStart(8, '0')}-simulated-key`;
  const account = new SmartleadAccount(
    {
      seed,
      campaigns: options.campaigns ?? SIZES.demo.smartlead.campaigns,
      rows: options.rows ?? SIZES.demo.smartlead.rows,
      bodyBytes: options.bodyBytes ?? 10_000,
      brokenRecords: options.brokenRecords ?? 0,
    },
    options.sort ?? 'sentAscending',
  );
  const gate = new PlatformGate({ name: 'smartlead', rateLimit, latencyMs: options.latencyMs ?? 0 });
  const control = new SimulatorControl(gate, {
    deleteCampaign: (id) => account.deleteCampaign(Number(id)),
    advance: (step) => advanceSmartlead(account, step),
  });
  const manners = smartleadManners({
    apiKey,
    activitiesRateLimit: options.activitiesRateLimit ?? (rateLimit === 'off' ? 'off' : '10/60s'),
    retryAfter: options.retryAfter ?? 'present',
  });
  return {
    apiKey,
    control,
    ledger: ledgerOf(
      (withBodies) => smartleadLines(account, withBodies),
      () => smartleadFacts(account),
    ),
    install: async (app) => {
      installGate(app, gate, manners);
      campaignRoutes(app, account, control.drifts);
      leadRoutes(app, account);
    },
  };
}
