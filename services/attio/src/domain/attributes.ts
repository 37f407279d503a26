import type { PersonState } from './person-state.ts';
import type { Status } from './status.ts';

export type AttributeType = 'text' | 'number' | 'timestamp';

/** A custom attribute of Attio's people that this service owns. */
export interface Attribute {
  readonly slug: string;
  readonly title: string;
  readonly type: AttributeType;
  readonly description: string;
  /** Null while there is nothing to say: it is then left out of the write. */
  readonly value: (state: PersonState) => string | number | null;
}

/** Campaigns that are named at once: those with the latest events. */
const mostCampaigns = 100;

const timeOf = (ms: number | null | undefined): string | null =>
  ms === null || ms === undefined ? null : new Date(ms).toISOString();

function last(status: Status): (state: PersonState) => string | null {
  return ({ lastAt }) => timeOf(lastAt[status]);
}

function count(type: string): (state: PersonState) => number | null {
  return ({ counts }) => counts[type] ?? null;
}

function total({ counts }: PersonState, prefix = ''): number {
  return Object.entries(counts).reduce((sum, [type, n]) => (type.startsWith(prefix) ? sum + n : sum), 0);
}

/** `email_opened` as people read it: `Email opened`. */
export function readable(eventType: string): string {
  const words = eventType.replaceAll('_', ' ');
  return `${words.slice(0, 1).toUpperCase()}${words.slice(1)}`;
}

function countsText({ counts }: PersonState): string {
  const types = Object.entries(counts).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return types.map(([type, n]) => `${readable(type)}: ${n}`).join('\n');
}

function campaignsText({ campaigns }: PersonState): string | null {
  const latest = Object.values(campaigns).toSorted((a, b) => b.at - a.at || (a.name < b.name ? -1 : 1));
  const names = [...new Set(latest.map(({ name }) => name))].slice(0, mostCampaigns);
  return names.length === 0 ? null : names.join('\n');
}

/**
 * The attributes, in the order of the table in docs/attio.md. Text, number and timestamp alone: a select refuses what
 * it was not told of, and an assert replaces all values of a multi-select (Attio fact sheet, sections 4 and 6).
 */
export const attributes: readonly Attribute[] = [
  {
    slug: 'outreach_status',
    title: 'Outreach status',
    type: 'text',
    description: 'How far outreach has come with this person; it only rises.',
    value: ({ status }) => status,
  },
  {
    slug: 'outreach_last_activity',
    title: 'Last outreach activity',
    type: 'text',
    description: 'The type of the latest outreach activity.',
    value: (state) => (state.last === null ? null : readable(state.last.type)),
  },
  {
    slug: 'outreach_last_activity_at',
    title: 'Last outreach activity at',
    type: 'timestamp',
    description: 'When the latest outreach activity happened.',
    value: ({ last: latest }) => timeOf(latest?.at),
  },
  {
    slug: 'outreach_first_activity_at',
    title: 'First outreach activity at',
    type: 'timestamp',
    description: 'When the first outreach activity happened.',
    value: ({ firstAt }) => timeOf(firstAt),
  },
  {
    slug: 'outreach_last_contacted_at',
    title: 'Last contacted at',
    type: 'timestamp',
    description: 'When this person was last sent something.',
    value: last('Contacted'),
  },
  {
    slug: 'outreach_last_opened_at',
    title: 'Last opened at',
    type: 'timestamp',
    description: 'When this person last opened a message.',
    value: last('Opened'),
  },
  {
    slug: 'outreach_last_clicked_at',
    title: 'Last clicked at',
    type: 'timestamp',
    description: 'When this person last clicked a link.',
    value: last('Clicked'),
  },
  {
    slug: 'outreach_last_replied_at',
    title: 'Last replied at',
    type: 'timestamp',
    description: 'When this person last replied.',
    value: last('Replied'),
  },
  {
    slug: 'outreach_emails_sent',
    title: 'Outreach emails sent',
    type: 'number',
    description: 'Emails sent to this person.',
    value: count('email_sent'),
  },
  {
    slug: 'outreach_emails_opened',
    title: 'Outreach emails opened',
    type: 'number',
    description: 'Emails this person opened.',
    value: count('email_opened'),
  },
  {
    slug: 'outreach_emails_clicked',
    title: 'Outreach emails clicked',
    type: 'number',
    description: 'Emails with a link that this person clicked.',
    value: count('email_clicked'),
  },
  {
    slug: 'outreach_emails_replied',
    title: 'Outreach email replies',
    type: 'number',
    description: 'Replies to outreach emails.',
    value: count('email_replied'),
  },
  {
    slug: 'outreach_emails_bounced',
    title: 'Outreach emails bounced',
    type: 'number',
    description: 'Emails that bounced.',
    value: count('email_bounced'),
  },
  {
    slug: 'outreach_emails_unsubscribed',
    title: 'Outreach unsubscribes',
    type: 'number',
    description: 'How often this person unsubscribed from a campaign.',
    value: count('email_unsubscribed'),
  },
  {
    slug: 'outreach_linkedin_activities',
    title: 'Outreach LinkedIn activities',
    type: 'number',
    description: 'LinkedIn activities of all types.',
    value: (state) => total(state, 'linkedin_') || null,
  },
  {
    slug: 'outreach_activities',
    title: 'Outreach activities',
    type: 'number',
    description: 'Outreach activities of all types.',
    value: (state) => total(state),
  },
  {
    slug: 'outreach_activity_counts',
    title: 'Outreach activity counts',
    type: 'text',
    description: 'How many outreach activities of each type there are, a type per line.',
    value: countsText,
  },
  {
    slug: 'outreach_last_campaign',
    title: 'Last outreach campaign',
    type: 'text',
    description: 'The campaign of the latest outreach activity.',
    value: ({ last: latest }) => latest?.campaign ?? null,
  },
  {
    slug: 'outreach_campaigns',
    title: 'Outreach campaigns',
    type: 'text',
    description: 'The campaigns this person was in, the latest first, one per line.',
    value: campaignsText,
  },
];

export const attributeSlugs: ReadonlySet<string> = new Set(attributes.map(({ slug }) => slug));

/** The values of a person by slug: those of `usable` attributes that have something to say. */
export function valuesOf(state: PersonState, usable: ReadonlySet<string>): Readonly<Record<string, string | number>> {
  const entries = attributes.flatMap(({ slug, value }): readonly (readonly [string, string | number])[] => {
    const said = usable.has(slug) ? value(state) : null;
    return said === null ? [] : [[slug, said]];
  });
  return Object.fromEntries(entries);
}
