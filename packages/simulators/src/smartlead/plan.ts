import { draw, pick, trait } from '../core/random.ts';
import { DAY_MS, WORK_SPAN_MS, isoOf, wallTimeOf } from '../core/timeline.ts';
import { CAMPAIGN_NAMES } from '../data/texts.ts';

const STREAM_CAMPAIGN = 31;

/** Leads of one step are mailed together: this many rows of step 1, then as many of step 2, then of step 3. */
export const WAVE = 40;
export const STEPS = 3;

/** A campaign and the shape of its rows; rows themselves are computed from their index. */
export interface CampaignPlan {
  readonly index: number;
  readonly id: number;
  readonly name: string;
  readonly status: string;
  readonly rows: number;
  /** Index of its first row among all rows of the account. */
  readonly firstRow: number;
  readonly leads: number;
  /** Index of its first lead in the account's pool of people; neighbours overlap. */
  readonly firstPerson: number;
  readonly parentId: number | null;
  readonly workStart: number;
  readonly workSpan: number;
  /** Old records: some without `stats_id`, none with `ignore_reply`. */
  readonly old: boolean;
  /** Step ids come as text in some campaigns. */
  readonly textIds: boolean;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** Rows per campaign: two exactly filled pages, a draft and an empty one where there is room, the rest uneven. */
function shareRows(seed: number, campaigns: number, rows: number): readonly number[] {
  const shares = new Array<number>(campaigns).fill(0);
  const fixed = new Map<number, number>();
  if (campaigns >= 6) {
    fixed.set(1, 0);
    fixed.set(3, 0);
    const page = rows >= 6000 ? 1000 : rows >= 600 ? 100 : Math.floor(rows / 6);
    fixed.set(2, page);
    fixed.set(4, page * 2);
  }
  let left = rows;
  for (const [index, count] of fixed) {
    shares[index] = count;
    left -= count;
  }
  const open = Array.from({ length: campaigns }, (_, index) => index).filter((index) => !fixed.has(index));
  const weights = open.map((index) => 1 + (draw(seed, STREAM_CAMPAIGN, index) % 9) ** 2);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let given = 0;
  open.forEach((index, i) => {
    const share = i === open.length - 1 ? left - given : Math.floor((left * (weights[i] ?? 0)) / total);
    shares[index] = share;
    given += share;
  });
  return shares;
}

function leadsOf(rows: number): number {
  const block = WAVE * STEPS;
  return Math.floor(rows / block) * WAVE + Math.min(WAVE, rows % block);
}

/** The campaigns of an account, oldest first. */
export function planCampaigns(seed: number, campaigns: number, rows: number): readonly CampaignPlan[] {
  const plans: CampaignPlan[] = [];
  let firstRow = 0;
  let firstPerson = 0;
  shareRows(seed, campaigns, rows).forEach((count, index) => {
    const base = draw(seed, STREAM_CAMPAIGN + 1, index);
    // Campaigns start one after another over the first three quarters and run for a quarter of the whole span.
    const workStart = Math.floor((WORK_SPAN_MS * 0.75 * index) / Math.max(1, campaigns));
    // The last one is still running when the data ends.
    const share = index === campaigns - 1 ? 1 - workStart / WORK_SPAN_MS : 0.12 + (trait(base, 1) % 100) / 800;
    const workSpan = Math.floor(WORK_SPAN_MS * share);
    const leads = leadsOf(count);
    const parent = campaigns >= 6 && index === 5 ? plans[0] : undefined;
    plans.push({
      index,
      id: 3_300_000 + index * 1_013 + (trait(base, 2) % 1_000),
      name: index < CAMPAIGN_NAMES.length ? (CAMPAIGN_NAMES[index] ?? '') : `${pick(CAMPAIGN_NAMES, index)} #${index}`,
      status: statusOf(index, campaigns),
      rows: count,
      firstRow,
      leads,
      firstPerson,
      parentId: parent?.id ?? null,
      workStart,
      workSpan,
      old: index === 0,
      textIds: index % 4 === 2,
      createdAt: wallTimeOf(workStart) - 5 * 60_000,
      updatedAt: wallTimeOf(workStart + workSpan) + DAY_MS,
    });
    firstRow += count;
    firstPerson += Math.ceil(leads * 0.85);
  });
  return plans;
}

function statusOf(index: number, campaigns: number): string {
  if (campaigns >= 6 && index === 1) return 'DRAFTED';
  if (index === campaigns - 1) return 'ACTIVE';
  return pick(['ACTIVE', 'COMPLETED', 'ACTIVE', 'PAUSED', 'ARCHIVED', 'STOPPED'], index);
}

/** A campaign as `GET /campaigns/` shows it (Smartlead fact sheet, section 5). */
export function campaignJson(plan: CampaignPlan, includeTags: boolean): Record<string, unknown> {
  const sparse = plan.index % 3 === 1;
  return {
    id: plan.id,
    user_id: 88_121,
    created_at: isoOf(plan.createdAt),
    updated_at: isoOf(plan.updatedAt),
    status: plan.status,
    name: plan.name,
    track_settings: plan.index % 2 === 0 ? ['DONT_LINK_CLICK'] : [],
    scheduler_cron_value: sparse
      ? null
      : { tz: 'Europe/Berlin', days: [1, 2, 3, 4, 5], startHour: '08:30', endHour: '17:00' },
    min_time_btwn_emails: sparse ? null : 12,
    max_leads_per_day: sparse ? null : 80,
    stop_lead_settings: 'REPLY_TO_AN_EMAIL',
    schedule_start_time: null,
    enable_ai_esp_matching: false,
    send_as_plain_text: sparse ? null : false,
    follow_up_percentage: sparse ? null : 40,
    unsubscribe_text: sparse ? null : '',
    parent_campaign_id: plan.parentId,
    client_id: null,
    ...(includeTags ? { tags: [{ tag_id: 7, tag_name: 'sync', tag_color: '#00aa88' }] } : {}),
  };
}
