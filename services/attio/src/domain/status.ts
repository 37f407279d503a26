/** The statuses of a person, lowest first: the place in this list is the rank, and a status only ever rises. */
export const statuses = [
  'Contacted',
  'Opened',
  'Clicked',
  'Connected',
  'Replied',
  'Not interested',
  'Interested',
  'Meeting booked',
  'Bounced',
  'Unsubscribed',
] as const;

export type Status = (typeof statuses)[number];

const exact: ReadonlyMap<string, Status> = new Map(
  Object.entries({
    contacted: 'Contacted',
    linkedin_invite_done: 'Contacted',
    linkedin_voice_note_done: 'Contacted',
    whatsapp_message_delivered: 'Contacted',
    whatsapp_voice_note_delivered: 'Contacted',
    sms_delivered: 'Contacted',
    hooked: 'Opened',
    attracted: 'Clicked',
    linkedin_invite_accepted: 'Connected',
    warmed: 'Replied',
    meeting_booked: 'Meeting booked',
  } as const satisfies Record<string, Status>),
);

/** By how a type ends; the first that fits counts, so that `not_interested` is not read as `interested`. */
const endings: readonly (readonly [ending: string, status: Status])[] = [
  ['unsubscribed', 'Unsubscribed'],
  ['bounced', 'Bounced'],
  ['not_interested', 'Not interested'],
  ['interested', 'Interested'],
  ['replied', 'Replied'],
  ['clicked', 'Clicked'],
  ['opened', 'Opened'],
  ['sent', 'Contacted'],
];

/** Sent by somebody else, outside of any campaign. */
const none: ReadonlySet<string> = new Set(['email_external_sent']);

/** The status that an event of this type means, or null when it means none. */
export function statusOf(eventType: string): Status | null {
  if (none.has(eventType)) return null;
  const known = exact.get(eventType);
  if (known !== undefined) return known;
  const found = endings.find(([ending]) => eventType === ending || eventType.endsWith(`_${ending}`));
  return found?.[1] ?? null;
}

/** The higher of two statuses. */
export function higher(a: Status | null, b: Status | null): Status | null {
  if (a === null || b === null) return a ?? b;
  return statuses.indexOf(a) >= statuses.indexOf(b) ? a : b;
}
