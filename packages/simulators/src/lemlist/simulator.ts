import { SimulatorControl } from '../core/control.ts';
import { ledgerOf } from '../core/ledger.ts';
import { PlatformGate, installGate } from '../core/platform.ts';
import { draw } from '../core/random.ts';
import type { PlatformSimulator } from '../core/simulator.ts';
import { SIZES } from '../size.ts';
import { LemlistAccount } from './account.ts';
import { advanceLemlist } from './advance.ts';
import type { LemlistFact } from './ledger.ts';
import { lemlistFacts, lemlistLines } from './ledger.ts';
import { lemlistManners } from './manners.ts';
import type { LemlistChoices } from './routes.ts';
import { lemlistRoutes } from './routes.ts';

export interface LemlistOptions extends Partial<LemlistChoices> {
  readonly seed?: number;
  readonly campaigns?: number;
  readonly activities?: number;
  readonly apiKey?: string;
  /** `N/Ts`, several joined by commas, or `off` (default). */
  readonly rateLimit?: string;
  readonly latencyMs?: number;
  /** Whether `?access_token=` is taken as well as Basic (default true: it still is). */
  readonly accessToken?: boolean;
  /** Activities that cannot become events. */
  readonly brokenRecords?: number;
  /** Activities that carry the `_id` of an older one. */
  readonly collisions?: number;
}

/** Builds a Lemlist account with its API. */
export function buildLemlist(options: LemlistOptions): PlatformSimulator<LemlistFact> {
  const seed = options.seed ?? 1;
  const apiKey = options.apiKey ?? `lem-${draw(seed, 1, 2).toString(16).padStart(8, '0')}-simulated-key`;
  const account = new LemlistAccount({
    seed,
    campaigns: options.campaigns ?? SIZES.demo.lemlist.campaigns,
    activities: options.activities ?? SIZES.demo.lemlist.activities,
    brokenRecords: options.brokenRecords ?? 0,
    collisions: options.collisions ?? 0,
  });
  const gate = new PlatformGate({
    name: 'lemlist',
    rateLimit: options.rateLimit ?? 'off',
    latencyMs: options.latencyMs ?? 0,
  });
  const control = new SimulatorControl(gate, {
    deleteCampaign: (id) => account.deleteCampaign(id),
    advance: (step) => advanceLemlist(account, step),
  });
  const choices: LemlistChoices = {
    limitAbove100: options.limitAbove100 ?? 'clamp',
    unknownType: options.unknownType ?? 'emptyObject',
  };
  return {
    apiKey,
    control,
    ledger: ledgerOf(
      () => lemlistLines(account),
      () => lemlistFacts(account),
    ),
    install: async (app) => {
      installGate(app, gate, lemlistManners({ apiKey, accessToken: options.accessToken ?? true }));
      lemlistRoutes(app, account, control.drifts, choices);
    },
  };
}
