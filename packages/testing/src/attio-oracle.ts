import type { ExpectedDeliveries, Sighting } from './expected-deliveries.ts';

/** A person's attributes as Attio holds them, by slug. */
export type AttioValues = Readonly<Record<string, unknown>>;

/** The people that Attio must hold, and how many events they stand for. */
export interface ExpectedPeople {
  /** By address: each event that is theirs, as the sightings of it that may have been counted; null stands for none. */
  readonly people: ReadonlyMap<string, readonly (readonly (Sighting | null)[])[]>;
  /** Bounds of the number of events with an address, equal unless one key was seen with and without one. */
  readonly least: number;
  readonly most: number;
}

/** The statuses of docs/attio.md, lowest first. */
const ranks: readonly (readonly [string, RegExp])[] = [
  [
    'Contacted',
    /^(?!email_external_sent$).*_sent$|^contacted$|^linkedin_(?:invite|voice_note)_done$|^whatsapp_.+_delivered$|^sms_delivered$/,
  ],
  ['Opened', /_opened$|^hooked$/],
  ['Clicked', /_clicked$|^attracted$/],
  ['Connected', /^linkedin_invite_accepted$/],
  ['Replied', /_replied$|^warmed$/],
  ['Not interested', /^(?:.+_)?not_interested$/],
  ['Interested', /^(?!(?:.+_)?not_interested$)(?:.+_)?interested$/],
  ['Meeting booked', /^meeting_booked$/],
  ['Bounced', /_bounced$/],
  ['Unsubscribed', /_unsubscribed$/],
];
const mostCampaigns = 100;
/** More ways than these to count a person's events are a fault of the data. */
const mostWays = 4_096;

/** An address that can be one: a name, one `@`, a domain with a dot, nothing that was unreadable. */
function isAddress(text: string | null): text is string {
  return text !== null && text.length <= 254 && /^[^\s@\uFFFD]+@[^\s@.\uFFFD]+(?:\.[^\s@.\uFFFD]+)+$/u.test(text);
}

/** Whom Attio must know. */
export function expectAttio(deliveries: ExpectedDeliveries): ExpectedPeople {
  const people = new Map<string, (readonly (Sighting | null)[])[]>();
  let least = 0;
  let most = 0;
  for (const sightings of deliveries.values()) {
    const owners = new Set(sightings.map(({ leadEmail }) => leadEmail).filter(isAddress));
    if (owners.size === 0) continue;
    most += 1;
    if (sightings.every(({ leadEmail }) => isAddress(leadEmail))) least += 1;
    for (const owner of owners) {
      const theirs = sightings.filter(({ leadEmail }) => leadEmail === owner);
      const events = people.get(owner) ?? [];
      people.set(owner, events);
      events.push(theirs.length === sightings.length ? theirs : [...theirs, null]);
    }
  }
  return { people, least, most };
}

/** Everything that is wrong with the people that Attio holds, a line each, at most twenty. */
export function judgeAttio(
  { people, least, most }: ExpectedPeople,
  held: ReadonlyMap<string, AttioValues>,
): readonly string[] {
  const problems: string[] = [];
  let total = 0;
  for (const [email, values] of held) {
    if (!people.has(email)) problems.push(`attio: nobody has the address ${email}`);
    total += Number(values['outreach_activities']);
  }
  for (const [email, events] of people) {
    const values = held.get(email);
    if (values === undefined) {
      // Somebody of whom every event may be another's need not be there.
      if (events.some((sightings) => !sightings.includes(null))) problems.push(`attio: ${email} is missing`);
      continue;
    }
    const faults = ways(events).map((counted) => faultsOf(counted, values));
    if (!faults.some((found) => found.length === 0)) problems.push(`attio: ${email}: ${(faults[0] ?? []).join('; ')}`);
  }
  if (total < least || total > most) problems.push(`attio: ${total} events in all people, due are ${least} to ${most}`);
  return problems.slice(0, 20);
}

/** Every choice of one sighting of each event. */
function ways(events: readonly (readonly (Sighting | null)[])[]): readonly (readonly Sighting[])[] {
  let found: readonly (readonly Sighting[])[] = [events.flatMap(([one]) => one ?? [])];
  const open = events.filter((sightings) => sightings.length > 1);
  if (open.length > 0) found = [events.flatMap((sightings) => (sightings.length === 1 ? (sightings[0] ?? []) : []))];
  for (const sightings of open) {
    found = found.flatMap((way) => sightings.map((one) => (one === null ? way : [...way, one])));
    if (found.length > mostWays) throw new Error(`the events of a person can be counted in more than ${mostWays} ways`);
  }
  return found;
}

/** What is not as docs/attio.md says for a person with these events. */
function faultsOf(events: readonly Sighting[], values: AttioValues): readonly string[] {
  const faults: string[] = [];
  const check = (slug: string, isRight: boolean, wanted: unknown): void => {
    if (!isRight) faults.push(`${slug} is ${JSON.stringify(values[slug])}, not ${JSON.stringify(wanted)}`);
  };
  const same = (slug: string, wanted: unknown): void => check(slug, values[slug] === wanted, wanted);
  const timed = (slug: string, times: readonly number[], pick: (...all: number[]) => number): void => {
    const wanted = times.length === 0 ? undefined : pick(...times);
    const found = textOf(values[slug]);
    check(slug, wanted === (found === undefined ? undefined : Date.parse(found)), wanted);
  };
  const lines = (slug: string): readonly string[] => textOf(values[slug])?.split('\n') ?? [];
  const timesOf = (fits: (type: string) => boolean): readonly number[] =>
    events.filter(({ eventType }) => fits(eventType)).map(({ occurredAt }) => occurredAt);
  const all = timesOf(() => true);
  const lastAt = Math.max(...all);
  // At one instant any of them may be called the latest.
  const latest = events.filter(({ occurredAt }) => occurredAt === lastAt);

  same('outreach_status', ranks.findLast(([, types]) => events.some(({ eventType }) => types.test(eventType)))?.[0]);
  timed('outreach_first_activity_at', all, Math.min);
  timed('outreach_last_activity_at', all, Math.max);
  const said = `${textOf(values['outreach_last_activity'])} of ${textOf(values['outreach_last_campaign'])}`;
  const allowed = latest.map(
    ({ eventType, campaignName }) => `${inWords(eventType)} of ${campaignName ?? 'undefined'}`,
  );
  if (!allowed.includes(said)) faults.push(`the latest activity is ${said}, not ${allowed.join(' or ')}`);
  for (const status of ['Contacted', 'Opened', 'Clicked', 'Replied']) {
    const types = ranks.find(([name]) => name === status)?.[1];
    timed(
      `outreach_last_${status.toLowerCase()}_at`,
      timesOf((type) => types?.test(type) === true),
      Math.max,
    );
  }
  for (const what of ['sent', 'opened', 'clicked', 'replied', 'bounced', 'unsubscribed'])
    same(`outreach_emails_${what}`, timesOf((type) => type === `email_${what}`).length || undefined);
  same('outreach_linkedin_activities', timesOf((type) => type.startsWith('linkedin_')).length || undefined);
  same('outreach_activities', events.length);
  const counted = [...Map.groupBy(events, ({ eventType }) => eventType)].map(
    ([type, some]) => `${inWords(type)}: ${some.length}`,
  );
  check('outreach_activity_counts', isSameSet(lines('outreach_activity_counts'), counted), counted);
  checkCampaigns(events, lines('outreach_campaigns'), (isRight, wanted) =>
    check('outreach_campaigns', isRight, wanted),
  );
  return faults;
}

/** All names, the latest first; of campaigns that are equally late either may come first. */
function checkCampaigns(
  events: readonly Sighting[],
  found: readonly string[],
  check: (isRight: boolean, wanted: unknown) => void,
): void {
  const lastOf = new Map<string, number>();
  for (const { campaignId, campaignName, occurredAt } of events) {
    const name = campaignName ?? campaignId;
    if (campaignId !== null && name !== null) lastOf.set(name, Math.max(lastOf.get(name) ?? 0, occurredAt));
  }
  const wanted = [...lastOf].toSorted((a, b) => b[1] - a[1]).map(([name]) => name);
  const isOrdered = found.every(
    (name, i) => i === 0 || (lastOf.get(found[i - 1] ?? '') ?? 0) >= (lastOf.get(name) ?? 0),
  );
  const isWhole = wanted.length > mostCampaigns ? found.length === mostCampaigns : isSameSet(found, wanted);
  check(isOrdered && isWhole, wanted);
}

function isSameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && new Set([...a, ...b]).size === a.length;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function inWords(type: string): string {
  return type.replaceAll('_', ' ').replace(/^./, (letter) => letter.toUpperCase());
}
