import { isoOf } from '../core/timeline.ts';
import type { SmartleadCampaign } from './account.ts';
import { leadView } from './leads.ts';

/** Totals of a campaign; most counts come as text (Smartlead fact sheet, section 9). */
export function analyticsJson(campaign: SmartleadCampaign): Record<string, unknown> {
  const { plan, rows } = campaign;
  const totals = {
    sent: 0,
    opened: 0,
    clicked: 0,
    bounced: 0,
    unsubscribed: 0,
    replied: 0,
    uniqueOpened: 0,
    uniqueClicked: 0,
  };
  const states = { INPROGRESS: 0, COMPLETED: 0, BLOCKED: 0 };
  let leads = 0;
  for (let lead = 0; lead < campaign.leads; lead++) {
    const view = leadView(campaign, lead);
    if (view === null) continue;
    leads += 1;
    states[view.status as keyof typeof states] += 1;
    const { sends } = view;
    totals.sent += sends.length;
    totals.opened += sends.reduce((sum, { openCount }) => sum + openCount, 0);
    totals.clicked += sends.reduce((sum, { clickCount }) => sum + clickCount, 0);
    totals.bounced += sends.filter(({ bounced }) => bounced).length;
    // Counted per lead: replies marked on two rows do not add up to this number.
    totals.replied += sends.some(({ repliedAt }) => repliedAt !== null) ? 1 : 0;
    totals.unsubscribed += sends.some(({ unsubscribed }) => unsubscribed) ? 1 : 0;
    totals.uniqueOpened += sends.some(({ openCount, openedAt }) => openCount > 0 || openedAt !== null) ? 1 : 0;
    totals.uniqueClicked += sends.some(({ clickCount, clickedAt }) => clickCount > 0 || clickedAt !== null) ? 1 : 0;
  }
  return {
    id: plan.id,
    user_id: 88_121,
    created_at: isoOf(plan.createdAt),
    status: plan.status,
    name: plan.name,
    sent_count: String(rows.length),
    open_count: String(totals.opened),
    click_count: String(totals.clicked),
    reply_count: String(totals.replied),
    block_count: '0',
    total_count: String(leads),
    drafted_count: '0',
    bounce_count: String(totals.bounced),
    unsubscribed_count: String(totals.unsubscribed),
    sequence_count: '3',
    unique_sent_count: String(leads),
    unique_open_count: String(totals.uniqueOpened),
    unique_click_count: String(totals.uniqueClicked),
    tags: [],
    client_id: null,
    parent_campaign_id: plan.parentId,
    campaign_lead_stats: {
      total: leads,
      notStarted: 0,
      inprogress: states.INPROGRESS,
      completed: states.COMPLETED,
      paused: 0,
      stopped: 0,
      blocked: states.BLOCKED,
      interested: 0,
      revenue: '0.00',
    },
  };
}
