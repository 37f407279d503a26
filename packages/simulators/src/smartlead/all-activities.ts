import { JsonBuffer } from '../core/json-buffer.ts';
import { isoOf } from '../core/timeline.ts';
import { personOf } from '../data/people.ts';
import type { SmartleadAccount, SmartleadCampaign } from './account.ts';
import type { LeadView } from './leads.ts';
import { leadIds, leadView } from './leads.ts';
import type { Rule } from './query.ts';
import { bodyOf, statsIdOf, subjectOf } from './render.ts';
import type { SendFacts } from './rows.ts';

export const ALL_ACTIVITIES_RULES: Readonly<Record<string, Rule>> = {
  offset: { type: 'integer', min: 0 },
  limit: { type: 'integer', min: 1, max: 1000 },
  event_time_from: { type: 'text' },
  event_time_to: { type: 'text' },
};

interface LeadPlace {
  readonly campaign: SmartleadCampaign;
  readonly lead: number;
}

/** The leads with a send or a reply in a span, remembered while a client pages through them. */
export class ChangedLeads {
  private readonly account: SmartleadAccount;
  private key = '';
  private places: readonly LeadPlace[] = [];

  constructor(account: SmartleadAccount) {
    this.account = account;
  }

  /** Leads whose sends or replies lie in `from .. to` (epoch ms, both inclusive). */
  between(from: number, to: number): readonly LeadPlace[] {
    const key = `${from}/${to}/${this.account.version}`;
    if (key !== this.key) {
      this.places = this.account.live().flatMap((campaign) => leadsBetween(campaign, from, to));
      this.key = key;
    }
    return this.places;
  }
}

function leadsBetween(campaign: SmartleadCampaign, from: number, to: number): readonly LeadPlace[] {
  const inside = (at: number | null): boolean => at !== null && at >= from && at <= to;
  const places: LeadPlace[] = [];
  for (let lead = 0; lead < campaign.leads; lead++) {
    const sends = leadView(campaign, lead)?.sends ?? [];
    if (sends.some(({ sentAt, repliedAt }) => inside(sentAt) || inside(repliedAt))) places.push({ campaign, lead });
  }
  return places;
}

/** Writes a page of `/campaigns/all-leads-activities` (Smartlead fact sheet, section 7); the caller releases the buffer. */
export function writeAllActivities(
  account: SmartleadAccount,
  places: readonly LeadPlace[],
  page: { readonly offset: number; readonly limit: number },
): JsonBuffer {
  const out = new JsonBuffer().text('{"data":[');
  const shown = places.slice(page.offset, page.offset + page.limit);
  shown.forEach(({ campaign, lead }, i) => {
    const view = leadView(campaign, lead);
    if (view !== null) writeLead(out.text(i === 0 ? '' : ','), account, campaign, view);
  });
  // A full last page claims that there is more; what follows is empty.
  return out.text(`],"hasMore":${shown.length === page.limit}}`);
}

function writeLead(out: JsonBuffer, account: SmartleadAccount, campaign: SmartleadCampaign, view: LeadView): void {
  const { plan } = campaign;
  const { leadId, mapId } = leadIds(campaign, view.lead);
  out.text(
    `{"lead_id":${leadId},"email_lead_map_id":${mapId},"campaign_id":${plan.textIds ? `"${plan.id}"` : plan.id},` +
      `"campaign_name":${JSON.stringify(plan.name)},"campaign_status":"${plan.status}","status":"${view.status}",` +
      `"current_seq_num":${view.sends.length},"created_at":"${isoOf(view.createdAt)}","activities":[`,
  );
  const email = personOf(account.seed, plan.firstPerson + view.lead).email;
  view.sends.forEach((facts, i) => {
    out.text(i === 0 ? '' : ',');
    writeActivity(out, account, facts, email);
  });
  out.text(']}');
}

function writeActivity(out: JsonBuffer, account: SmartleadAccount, facts: SendFacts, email: string): void {
  const statsId = statsIdOf(account.seed, facts.serial);
  out.text(
    `{"stats_id":"${statsId}","message_id":"<${statsId}-1@outbound.example>","subject":${subjectOf(facts)},"email_body":`,
  );
  const body = bodyOf(facts, account.bodies);
  if (body === null) out.text('null');
  else out.bytes(body);
  const reply =
    facts.repliedAt === null
      ? 'null'
      : `{"time":"${isoOf(facts.repliedAt)}","reply_email_body":"<p>BODY-MARKER Happy to talk</p>","message_id":"<r-${statsId}@mail.example>"}`;
  out.text(
    `,"sent_time":"${isoOf(facts.sentAt)}","from_email":"jo@outbound.example","to_email":"${email}",` +
      `"email_seq_number":${facts.step},"open_count":${facts.openCount},"click_count":${facts.clickCount},` +
      `"click_details":${facts.clickCount > 0 ? '{"https://outbound.example/book?x=1":true}' : '{}'},` +
      `"reply_details":${reply},"thread_replies":[]}`,
  );
}
