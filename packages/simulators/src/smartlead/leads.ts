import { DAY_MS, isoOf } from '../core/timeline.ts';
import { personOf } from '../data/people.ts';
import type { SmartleadAccount, SmartleadCampaign } from './account.ts';
import type { Query, Rule } from './query.ts';
import { categoryOf } from './render.ts';
import type { SendFacts } from './rows.ts';

export const LEADS_RULES: Readonly<Record<string, Rule>> = {
  offset: { type: 'integer', min: 0 },
  limit: { type: 'integer', min: 1, max: 100 },
  status: { type: 'oneOf', values: ['STARTED', 'INPROGRESS', 'COMPLETED', 'PAUSED', 'STOPPED'] },
  lead_category_id: { type: 'integer', min: 1 },
  emailStatus: {
    type: 'oneOf',
    values: [
      'is_opened',
      'is_clicked',
      'is_replied',
      'is_bounced',
      'is_unsubscribed',
      'is_spam',
      'is_accepted',
      'not_replied',
      'is_sender_bounced',
    ],
  },
  created_at_gt: { type: 'date' },
  last_sent_time_gt: { type: 'date' },
  event_time_gt: { type: 'date' },
};

/** A lead of a campaign with its sends. */
export interface LeadView {
  readonly lead: number;
  readonly sends: readonly SendFacts[];
  readonly status: string;
  readonly createdAt: number;
  readonly lastSentAt: number;
  /** The last send or reply; opens and clicks are not counted. */
  readonly lastEventAt: number;
}

/** Ids of a lead (account-wide) and of its place in a campaign. */
export function leadIds(
  campaign: SmartleadCampaign,
  lead: number,
): { readonly leadId: number; readonly mapId: number } {
  return {
    leadId: 2_990_000_000 + campaign.plan.firstPerson + lead,
    mapId: 2_430_000_000 + campaign.plan.index * 2_000_000 + lead,
  };
}

/** The lead with all that is known about it, or null when none of its rows is left. */
export function leadView(campaign: SmartleadCampaign, lead: number): LeadView | null {
  const sends = campaign.rowsOfLead(lead).map((ref) => campaign.factsOf(ref));
  const [first] = sends;
  if (first === undefined) return null;
  const lastSentAt = Math.max(...sends.map(({ sentAt }) => sentAt));
  const lastEventAt = Math.max(lastSentAt, ...sends.map(({ repliedAt }) => repliedAt ?? 0));
  return { lead, sends, status: statusOf(sends), createdAt: first.sentAt - DAY_MS, lastSentAt, lastEventAt };
}

function statusOf(sends: readonly SendFacts[]): string {
  if (sends.some(({ bounced }) => bounced)) return 'BLOCKED';
  return sends.length === 3 || sends.some(({ repliedAt }) => repliedAt !== null) ? 'COMPLETED' : 'INPROGRESS';
}

/** The leads a query asks for, in the order in which they were added. */
export function matchingLeads(
  account: SmartleadAccount,
  campaign: SmartleadCampaign,
  query: Query,
): readonly LeadView[] {
  const views: LeadView[] = [];
  for (let lead = 0; lead < campaign.leads; lead++) {
    const view = leadView(campaign, lead);
    if (view !== null && matches(account, campaign, view, query)) views.push(view);
  }
  return views;
}

function matches(account: SmartleadAccount, campaign: SmartleadCampaign, view: LeadView, query: Query): boolean {
  const status = query.text('status');
  const category = query.number('lead_category_id');
  const emailStatus = query.text('emailStatus');
  if (status !== undefined && view.status !== status) return false;
  if (category !== undefined && categoryOf(account.seed, campaign.plan, view.lead).id !== category) return false;
  if (emailStatus !== undefined && !hasEmailStatus(view, emailStatus)) return false;
  return (
    view.createdAt > (query.number('created_at_gt') ?? -1) &&
    view.lastSentAt > (query.number('last_sent_time_gt') ?? -1) &&
    view.lastEventAt > (query.number('event_time_gt') ?? -1)
  );
}

function hasEmailStatus({ sends }: LeadView, emailStatus: string): boolean {
  switch (emailStatus) {
    case 'is_opened':
      return sends.some(({ openCount, openedAt }) => openCount > 0 || openedAt !== null);
    case 'is_clicked':
      return sends.some(({ clickCount, clickedAt }) => clickCount > 0 || clickedAt !== null);
    case 'is_replied':
      return sends.some(({ repliedAt }) => repliedAt !== null);
    case 'not_replied':
      return sends.every(({ repliedAt }) => repliedAt === null);
    case 'is_bounced':
      return sends.some(({ bounced }) => bounced);
    case 'is_unsubscribed':
      return sends.some(({ unsubscribed }) => unsubscribed);
    default:
      return false;
  }
}

/** A lead as `/campaigns/{id}/leads` shows it (Smartlead fact sheet, section 8). */
export function leadJson(
  account: SmartleadAccount,
  campaign: SmartleadCampaign,
  view: LeadView,
): Record<string, unknown> {
  const person = personOf(account.seed, campaign.plan.firstPerson + view.lead);
  const text = (json: string): string => JSON.parse(json) as string;
  const { leadId, mapId } = leadIds(campaign, view.lead);
  return {
    campaign_lead_map_id: mapId,
    lead_category_id: categoryOf(account.seed, campaign.plan, view.lead).id,
    status: view.status,
    created_at: isoOf(view.createdAt),
    lead: {
      id: leadId,
      first_name: text(person.firstName),
      last_name: view.lead % 9 === 0 ? null : text(person.lastName),
      email: text(`"${person.email}"`),
      phone_number: [null, '+49 30 1234567', 4_930_1234567][view.lead % 3] ?? null,
      company_name: text(person.company),
      website: null,
      location: view.lead % 4 === 0 ? null : 'Oslo',
      custom_fields: { job_title: text(person.jobTitle) },
      linkedin_profile: null,
      company_url: null,
      is_unsubscribed: view.sends.some(({ unsubscribed }) => unsubscribed),
      unsubscribed_client_id_map: view.lead % 2 === 0 ? {} : null,
    },
  };
}
