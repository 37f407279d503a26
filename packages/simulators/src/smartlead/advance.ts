import { momentIn, spanOf } from '../core/advance.ts';
import type { AdvanceStep, Change } from '../core/control.ts';
import { draw, pick, trait } from '../core/random.ts';
import { DAY_MS } from '../core/timeline.ts';
import type { LateFacts, SmartleadAccount, SmartleadCampaign } from './account.ts';
import type { SendFacts } from './rows.ts';

const STREAM_ADVANCE = 91;
const ATTEMPTS = 50;
const LOOKBACK_MS = 45 * DAY_MS;

type LateKind = 'open' | 'click' | 'reply' | 'bounce' | 'unsubscribe';

/** What a late event changes on a row, or null when the row has it already. */
function lateChange(kind: LateKind, facts: SendFacts, at: number): LateFacts | null {
  switch (kind) {
    case 'open':
      return facts.openedAt === null && facts.openCount === 0 ? { openedAt: at, openCount: 1 } : null;
    case 'click':
      return facts.clickedAt === null && facts.clickCount === 0 ? { clickedAt: at, clickCount: 1 } : null;
    case 'reply':
      return facts.repliedAt === null ? { repliedAt: Math.floor(at / 1000) * 1000 } : null;
    case 'bounce':
      return facts.bounced ? null : { bounced: true };
    case 'unsubscribe':
      return facts.unsubscribed ? null : { unsubscribed: true };
  }
}

/** Lets time pass: new sends, and late events on sends already made. The same steps give the same data. */
export function advanceSmartlead(account: SmartleadAccount, step: AdvanceStep): readonly Change[] {
  const span = spanOf(account.now, step);
  const changes: Change[] = [];
  const next = (): number => draw(account.seed, STREAM_ADVANCE, account.nextStepDraw());
  const { campaignIds } = step;
  const campaigns = account
    .live()
    .filter(({ plan, rows }) => plan.status !== 'DRAFTED' && rows.length > 0)
    .filter(({ plan }) => campaignIds === undefined || campaignIds.includes(String(plan.id)));
  const late = (kind: LateKind, times: number): void => {
    for (let i = 0; i < times; i++) {
      const change = changeOne(
        account,
        campaigns,
        kind,
        next,
        span.from - (step.lookbackMs ?? LOOKBACK_MS),
        momentIn(span, next()),
      );
      if (change !== null) changes.push(change);
    }
  };
  late('open', step.opens ?? 0);
  late('click', step.clicks ?? 0);
  late('reply', step.replies ?? 0);
  late('bounce', step.bounces ?? 0);
  late('unsubscribe', step.unsubscribes ?? 0);
  for (let i = 0; i < (campaigns.length === 0 ? 0 : (step.sends ?? 0)); i++) {
    const campaign = pick(campaigns, next());
    const at = momentIn(span, next());
    account.insertSend(campaign, at);
    changes.push({ what: 'send', campaignId: String(campaign.plan.id), at });
  }
  account.now = span.to;
  return changes;
}

function changeOne(
  account: SmartleadAccount,
  campaigns: readonly SmartleadCampaign[],
  kind: LateKind,
  next: () => number,
  since: number,
  at: number,
): Change | null {
  const recent = campaigns.filter(({ rows }) => rows.lowerBound(rows, since) < rows.length);
  const candidates = recent.length > 0 ? recent : campaigns;
  if (candidates.length === 0) return null;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const value = next();
    const campaign = pick(candidates, value);
    const { rows } = campaign;
    const first = recent.length > 0 ? rows.lowerBound(rows, since) : Math.max(0, rows.length - 100);
    const ref = rows.refAt(first + (trait(value, 1) % (rows.length - first)));
    const facts = campaign.factsOf(ref);
    const change = account.isBroken(facts.serial) ? null : lateChange(kind, facts, at);
    if (change === null) continue;
    campaign.change(ref, change);
    return { what: kind, campaignId: String(campaign.plan.id), at: change.repliedAt ?? at };
  }
  return null;
}
