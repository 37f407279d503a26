import type { ExpectedDeliveries, Sighting } from './expected-deliveries.ts';

/** An event as Mixpanel holds it, one line of its simulator's ledger. */
export interface MixpanelLine {
  readonly event: string;
  readonly distinctId: string;
  /** Epoch ms. */
  readonly time: number;
  readonly insertId: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

/** Nobody may be called so in Mixpanel (its fact sheet, section 5). */
const nobody =
  /^(?:0{8}-0{4}-0{4}-0{4}-0{12}|anon(?:ymous)?|nil|none|null|n\/?a|undefined|unknown|<nil>|-1|0|true|false|\[\]|\{\}|lmy47d)$/i;
const firstTime = Date.UTC(1971, 0, 1);
const spellings: Readonly<Record<string, string>> = {
  linkedin: 'LinkedIn',
  whatsapp: 'WhatsApp',
  'in mail': 'InMail',
  sms: 'SMS',
  otp: 'OTP',
  api: 'API',
  ai: 'AI',
};

/** Keys that Mixpanel must show: all whose time it takes. */
export function expectMixpanel(deliveries: ExpectedDeliveries): ReadonlySet<string> {
  const keys = new Set<string>();
  for (const [key, sightings] of deliveries) {
    if (sightings.some(({ occurredAt }) => occurredAt >= firstTime)) keys.add(key);
  }
  return keys;
}

/**
 * Everything that is wrong with what Mixpanel shows, a line each, at most twenty: each expected event must be there once,
 * under the name, person, time and insert id that docs/mixpanel.md promises, and no other.
 */
export async function judgeMixpanel(
  deliveries: ExpectedDeliveries,
  shown: Iterable<MixpanelLine> | AsyncIterable<MixpanelLine>,
): Promise<readonly string[]> {
  const missing = new Set(expectMixpanel(deliveries));
  const problems: string[] = [];
  const say = (problem: string): void => {
    if (problems.length < 20) problems.push(problem);
  };
  for await (const line of shown) {
    const key = String(line.properties['event_key']);
    const sightings = deliveries.get(key);
    if (sightings === undefined) say(`mixpanel: nobody knows ${key}`);
    else if (!missing.delete(key)) say(`mixpanel: ${key} is shown again, or cannot have been taken`);
    else if (!sightings.some((sighting) => isShownAs(sighting, line)))
      say(`mixpanel: ${key} is ${JSON.stringify(line)}`);
  }
  if (missing.size > 0)
    say(`mixpanel: ${missing.size} events are not shown, such as ${[...missing].slice(0, 3).join(', ')}`);
  return problems;
}

function isShownAs(sighting: Sighting, { event, distinctId, time, insertId, properties }: MixpanelLine): boolean {
  const who = [sighting.leadEmail, sighting.leadId].find((id) => id !== null && canBeCalled(id)) ?? '';
  return (
    event === nameOf(sighting.eventType) &&
    distinctId === who &&
    time === sighting.occurredAt &&
    insertId === sighting.eventKey.split('_').at(-1) &&
    properties['namespace'] === sighting.namespace &&
    properties['platform'] === sighting.platform &&
    properties['event_type'] === sighting.eventType &&
    properties['campaign_name'] === (sighting.campaignName ?? undefined)
  );
}

function canBeCalled(id: string): boolean {
  return Buffer.byteLength(id) <= 255 && !nobody.test(id.trim());
}

/** The type in words: `linkedin_in_mail_sent` is `LinkedIn InMail Sent`. */
function nameOf(type: string): string {
  return type
    .replaceAll('_', ' ')
    .replace(/\b(?:linkedin|whatsapp|in mail|sms|otp|api|ai)\b/g, (word) => spellings[word] ?? word)
    .replace(/\b[a-z]/g, (letter) => letter.toUpperCase());
}
