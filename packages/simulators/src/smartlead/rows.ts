import { chance, draw, trait } from '../core/random.ts';
import { DAY_MS, HOUR_MS, wallTimeOf } from '../core/timeline.ts';
import type { CampaignPlan } from './plan.ts';
import { STEPS, WAVE } from './plan.ts';

const STREAM_ROW = 41;
const STREAM_SLOT = 42;
const STREAM_LEAD = 43;

/** What is true about one sent email; how it is written is another matter. */
export interface SendFacts {
  /** Unique among all rows of the account; ids are made from it. */
  readonly serial: number;
  readonly lead: number;
  readonly step: number;
  readonly sentAt: number;
  readonly openedAt: number | null;
  readonly openCount: number;
  readonly clickedAt: number | null;
  readonly clickCount: number;
  readonly repliedAt: number | null;
  readonly unsubscribed: boolean;
  readonly bounced: boolean;
  /** Draws for the ways of writing it. */
  readonly look: number;
}

/** Send time of row `index`, monotone in the index; every 64th row shares its neighbour's millisecond. */
export function sendTimeOf(seed: number, plan: CampaignPlan, index: number): number {
  const at = (index & 63) === 63 ? index - 1 : index;
  const slot = plan.workSpan / plan.rows;
  const jitter = (draw(seed, STREAM_SLOT, plan.firstRow + at) & 0xffff) / 0x10000;
  return wallTimeOf(plan.workStart + (at + jitter * 0.95) * slot);
}

function leadOf(index: number): number {
  const block = Math.floor(index / (WAVE * STEPS));
  return block * WAVE + (index % WAVE);
}

function stepOf(index: number): number {
  return Math.floor((index % (WAVE * STEPS)) / WAVE) + 1;
}

/** The row of a lead's step, or null when the campaign ends before it. */
export function rowOf(plan: CampaignPlan, lead: number, step: number): number | null {
  const index = Math.floor(lead / WAVE) * WAVE * STEPS + (step - 1) * WAVE + (lead % WAVE);
  return index < plan.rows ? index : null;
}

/** A lead's reply: when, and the step it answers; two fifths of them mark the step before it as well. */
interface Reply {
  readonly at: number;
  readonly step: number;
  readonly marksPrevious: boolean;
}

function replyOf(seed: number, plan: CampaignPlan, lead: number): Reply | null {
  const base = draw(seed, STREAM_LEAD, plan.firstPerson * 31 + plan.index * 7_919 + lead);
  if (!chance(base, 90)) return null;
  let step = 1 + (trait(base, 1) % STEPS);
  let index = rowOf(plan, lead, step);
  while (index === null && step > 1) index = rowOf(plan, lead, --step);
  if (index === null) return null;
  const delay = HOUR_MS + (trait(base, 2) % (4 * DAY_MS));
  // Replies carry whole seconds: their time is the message's own.
  const at = Math.ceil((sendTimeOf(seed, plan, index) + delay) / 1000) * 1000;
  return { at, step, marksPrevious: step > 1 && trait(base, 3) % 5 < 2 };
}

function isUnsubscribed(seed: number, plan: CampaignPlan, lead: number, step: number): boolean {
  const base = draw(seed, STREAM_LEAD + 1, plan.index * 7_919 + plan.firstPerson * 31 + lead);
  if (!chance(base, 18)) return false;
  // Half of those who left are marked on all of their rows, the others on the first alone.
  return step === 1 || trait(base, 1) % 2 === 0;
}

/** The facts of base row `index` of a campaign. */
export function sendFactsOf(seed: number, plan: CampaignPlan, index: number): SendFacts {
  const serial = plan.firstRow + index;
  const base = draw(seed, STREAM_ROW, serial);
  const lead = leadOf(index);
  const step = stepOf(index);
  const sentAt = sendTimeOf(seed, plan, index);
  const reply = replyOf(seed, plan, lead);
  const replied = reply !== null && (reply.step === step || (reply.marksPrevious && reply.step === step + 1));
  const bounced = !replied && chance(trait(base, 1), 28);
  const opened = !bounced && chance(trait(base, 2), 660);
  const clicked = opened && chance(trait(base, 3), 270);
  const openedAt = opened ? sentAt + 60_000 + (trait(base, 4) % (2 * DAY_MS)) : null;
  const clickedAt = clicked && openedAt !== null ? openedAt + 5_000 + (trait(base, 5) % HOUR_MS) : null;
  // Some opens and clicks are known by their count alone, some by their time alone.
  const form = trait(base, 6) % 100;
  return {
    serial,
    lead,
    step,
    sentAt,
    openedAt: form < 6 ? null : openedAt,
    openCount: opened && form !== 99 ? 1 + (trait(base, 7) % 5) : 0,
    clickedAt: form >= 6 && form < 14 ? null : clickedAt,
    clickCount: clicked ? 1 + (trait(base, 8) % 3) : 0,
    repliedAt: replied ? reply.at : null,
    unsubscribed: isUnsubscribed(seed, plan, lead, step),
    bounced,
    look: trait(base, 9),
  };
}
