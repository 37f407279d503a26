import { momentIn, spanOf } from '../core/advance.ts';
import type { AdvanceStep, Change } from '../core/control.ts';
import { draw } from '../core/random.ts';
import { DAY_MS } from '../core/timeline.ts';
import type { LemlistAccount } from './account.ts';

const STREAM_ADVANCE = 191;
const BACKDATED_MS = 7 * DAY_MS;

/** Lets time pass: new activities, and ones recorded late with an older `createdAt` (Lemlist fact sheet, section 5.3). */
export function advanceLemlist(account: LemlistAccount, step: AdvanceStep): readonly Change[] {
  const span = spanOf(account.now, step);
  const past = { from: span.from - (step.backdatedByMs ?? BACKDATED_MS), to: span.from };
  const changes: Change[] = [];
  const add = (what: string, times: number, within: typeof span): void => {
    for (let i = 0; i < times; i++) {
      const at = momentIn(within, draw(account.seed, STREAM_ADVANCE, account.nextStepDraw()));
      const { campaign } = account.factsOf(account.insertActivity(at));
      changes.push({ what, campaignId: campaign?.id ?? null, at });
    }
  };
  add('activity', step.activities ?? 0, span);
  add('backdated', step.backdated ?? 0, past);
  account.now = span.to;
  return changes;
}
