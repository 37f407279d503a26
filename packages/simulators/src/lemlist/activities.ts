import { chance, draw, pick, trait } from '../core/random.ts';
import { WORK_SPAN_MS, wallTimeOf } from '../core/timeline.ts';
import type { LemlistCampaign, LemlistPlan } from './plan.ts';
import { SETUP_MS } from './plan.ts';
import { FUTURE_TYPES, TYPE_POOLS, hasWholeSeconds } from './types.ts';

const STREAM_ACTIVITY = 141;
const STREAM_SLOT = 142;

/** What is true about one activity; how it is written is another matter. */
export interface ActivityFacts {
  readonly serial: number;
  readonly createdAt: number;
  readonly type: string;
  readonly campaign: LemlistCampaign | null;
  /** Number of the lead within its campaign. */
  readonly lead: number;
  /** Index in the account's pool of people. */
  readonly person: number;
  readonly isFirst: boolean;
  /** Draws for the ways of writing it. */
  readonly look: number;
}

/** Runs of activities with one and the same `createdAt`, longer than a page, in larger accounts. */
function longRunStart(index: number, total: number): number | null {
  if (total < 5000) return null;
  const first = Math.floor(total * 0.6);
  if (index >= first && index < first + 130) return first;
  const second = Math.floor(total * 0.8);
  return total >= 20_000 && index >= second && index < second + 250 ? second : null;
}

/** The activity whose time this one shares: itself, or the first of its run. */
function leaderOf(index: number, total: number): number {
  const long = longRunStart(index, total);
  if (long !== null) return long;
  const inCycle = index % 97;
  return inCycle >= 90 ? index - inCycle + 90 : index;
}

function workTimeOf(share: number): number {
  return SETUP_MS + (WORK_SPAN_MS - SETUP_MS) * Math.sqrt(share);
}

/** `createdAt` of activity `index` of `total`, monotone in the index; activities grow denser over the years. */
export function activityTimeOf(seed: number, total: number, plan: LemlistPlan, index: number): number {
  const leader = leaderOf(index, total);
  const from = workTimeOf(leader / total);
  const until = workTimeOf((leader + 1) / total);
  const jitter = (draw(seed, STREAM_SLOT, leader) & 0xffff) / 0x10000;
  const at = from + (until - from) * jitter * 0.9;
  const { type } = kindOf(seed, plan, leader);
  const whole = Math.ceil(at / 1000) * 1000;
  return wallTimeOf(hasWholeSeconds(type) && whole < until ? whole : at);
}

/** Campaign and type of an activity; they do not depend on its time. */
export function kindOf(
  seed: number,
  plan: LemlistPlan,
  serial: number,
): { readonly base: number; readonly campaign: LemlistCampaign | null; readonly type: string } {
  const base = draw(seed, STREAM_ACTIVITY, serial);
  const { exact } = plan;
  const isExact = exact !== null && serial % exact.stride === 0 && serial / exact.stride < exact.count;
  const index = isExact ? exact.index : chance(trait(base, 1), 30) ? null : pick(plan.pool, trait(base, 2));
  const campaign = index === null ? null : (plan.campaigns[index] ?? null);
  const channel = campaign?.channel ?? 'none';
  const type = chance(trait(base, 3), 3)
    ? pick(FUTURE_TYPES, trait(base, 4))
    : pick(TYPE_POOLS[channel], trait(base, 4));
  return { base, campaign, type };
}

/** The facts of activity `serial`, which happened at `createdAt`. */
export function activityFactsOf(seed: number, plan: LemlistPlan, serial: number, createdAt: number): ActivityFacts {
  const { base, campaign, type } = kindOf(seed, plan, serial);
  const lead = trait(base, 5) % (campaign?.leads ?? 1000);
  return {
    serial,
    createdAt,
    type,
    campaign,
    lead,
    person: campaign === null ? 900_000 + lead : campaign.firstPerson + lead,
    isFirst: chance(trait(base, 6), 400),
    look: trait(base, 7),
  };
}
