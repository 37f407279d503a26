import { alphanumericIdOf, draw, pick, trait } from '../core/random.ts';
import { HOUR_MS, isoOf, wallTimeOf } from '../core/timeline.ts';
import { CAMPAIGN_NAMES } from '../data/texts.ts';
import type { Channel } from './types.ts';

const STREAM_CAMPAIGN = 131;
const STREAM_IDS = 132;

/** Working time in which all campaigns are made; the first activity comes after it. */
export const SETUP_MS = 100 * HOUR_MS;

/** Streams of ids, one per prefix. */
const ID_STREAMS = {
  act: 1,
  cam: 2,
  lea: 3,
  ctc: 4,
  seq: 5,
  stp: 6,
  etp: 7,
  usr: 8,
  tea: 9,
  cpn: 10,
  uns: 11,
} as const;

/** An id such as `act_Kp3vWq8ZtR5mNc2Lx`, unique per prefix and number (Lemlist fact sheet, section 10). */
export function idOf(seed: number, prefix: keyof typeof ID_STREAMS, number: number): string {
  return `${prefix}_${alphanumericIdOf(seed, STREAM_IDS * 16 + ID_STREAMS[prefix], number)}`;
}

export interface LemlistCampaign {
  readonly index: number;
  readonly id: string;
  readonly name: string;
  readonly sequenceId: string;
  readonly stepIds: readonly string[];
  readonly channel: Channel;
  readonly status: string;
  /** False for a campaign that was removed in the app: its activities stay. */
  readonly listed: boolean;
  readonly leads: number;
  /** Index of its first lead in the account's pool of people. */
  readonly firstPerson: number;
  readonly createdAt: number;
}

/** The campaigns, and which of them a share of the activities belongs to. */
export interface LemlistPlan {
  readonly teamId: string;
  readonly userIds: readonly string[];
  readonly campaigns: readonly LemlistCampaign[];
  /** Campaign indexes as often as they shall occur. */
  readonly pool: readonly number[];
  /** A campaign with exactly this many activities: a multiple of the page size, so that the last page is full. */
  readonly exact: { readonly index: number; readonly count: number; readonly stride: number } | null;
}

/** Plans an account: equal names, an archived, a draft, a removed and a LinkedIn campaign where there is room. */
export function planLemlist(seed: number, count: number, activities: number): LemlistPlan {
  const roomy = count >= 6;
  const pool: number[] = [];
  const campaigns: LemlistCampaign[] = [];
  const leads = Math.max(5, Math.ceil(activities / count / 8));
  for (let index = 0; index < count; index++) {
    const base = draw(seed, STREAM_CAMPAIGN, index);
    campaigns.push({
      index,
      id: idOf(seed, 'cam', index),
      name: pick(CAMPAIGN_NAMES, index),
      sequenceId: idOf(seed, 'seq', index),
      stepIds: [0, 1, 2, 3].map((step) => idOf(seed, 'stp', index * 10 + step)),
      channel: index % 4 === 2 ? 'linkedin' : 'email',
      status: statusOf(index, count),
      listed: !(roomy && index === 5),
      leads,
      firstPerson: 500_000 + index * leads,
      createdAt: wallTimeOf((SETUP_MS * index) / count),
    });
    const empty = roomy && (index === 3 || index === 4);
    if (!empty) pool.push(...new Array<number>(1 + (trait(base, 1) % 6)).fill(index));
  }
  const exactCount = activities >= 5000 ? 200 : 100;
  const exact =
    roomy && activities >= exactCount * 2
      ? { index: 4, count: exactCount, stride: Math.floor(activities / exactCount) }
      : null;
  const userIds = [0, 1, 2].map((user) => idOf(seed, 'usr', user));
  return { teamId: idOf(seed, 'tea', 0), userIds, campaigns, pool, exact };
}

function statusOf(index: number, count: number): string {
  if (count >= 6 && index === 3) return 'draft';
  if (count >= 6 && index === 1) return 'archived';
  if (index === count - 1) return 'running';
  return pick(['running', 'ended', 'running', 'paused', 'errors'], index);
}

/** A campaign as the list shows it (Lemlist fact sheet, section 7); fields without value are left out. */
export function lemlistCampaignJson(plan: LemlistPlan, campaign: LemlistCampaign): Record<string, unknown> {
  return {
    _id: campaign.id,
    name: campaign.name,
    sequenceId: campaign.sequenceId,
    createdAt: isoOf(campaign.createdAt),
    createdBy: pick(plan.userIds, campaign.index),
    status: campaign.status,
    ...(campaign.index % 2 === 0 ? { labels: ['dach'], timezone: 'Europe/Berlin' } : {}),
    hasError: campaign.status === 'errors',
    ...(campaign.index === 2 ? { emoji: '🚀' } : {}),
  };
}
