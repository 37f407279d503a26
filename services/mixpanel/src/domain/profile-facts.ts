import type { PropertyValue } from './source-properties.ts';
import type { ImportEvent } from './to-import-event.ts';

/** Something to be told of a person. All of them may be repeated, and come in any order. */
export interface ProfileFact {
  readonly distinctId: string;
  readonly operator: '$set' | '$set_once' | '$union';
  readonly properties: Readonly<Record<string, PropertyValue>>;
}

/** Event types that say something of a person for ever, by their end. */
const flags: readonly (readonly [end: string, property: string])[] = [
  ['_replied', 'outreach_replied'],
  ['_bounced', 'outreach_bounced'],
  ['_unsubscribed', 'outreach_unsubscribed'],
  ['meeting_booked', 'outreach_meeting_booked'],
];

/**
 * What an event says of its lead's profile: who it is (never overwriting what stands there), the campaigns and platforms
 * it was met in, and what holds for ever from then on. No counts and no latest times: profiles have neither deduplication
 * nor conditions (Mixpanel fact sheet, section 11), and reports count events.
 */
export function profileFactsOf({ properties }: ImportEvent): readonly ProfileFact[] {
  const { distinct_id: distinctId } = properties;
  if (distinctId === '') return [];
  const facts: ProfileFact[] = [];
  const who = whoIsIt(properties);
  if (Object.keys(who).length > 0) facts.push({ distinctId, operator: '$set_once', properties: who });
  const campaign = textOf(properties, 'campaign_name') ?? textOf(properties, 'campaign_id');
  const platform = textOf(properties, 'platform');
  const met = {
    ...(campaign === null ? {} : { outreach_campaigns: [campaign] }),
    ...(platform === null ? {} : { outreach_platforms: [platform] }),
  };
  if (Object.keys(met).length > 0) facts.push({ distinctId, operator: '$union', properties: met });
  const type = textOf(properties, 'event_type') ?? '';
  for (const [end, property] of flags) {
    if (type.endsWith(end)) facts.push({ distinctId, operator: '$set', properties: { [property]: true } });
  }
  return facts;
}

function whoIsIt(properties: ImportEvent['properties']): Record<string, string> {
  const first = textOf(properties, 'lead_first_name');
  const last = textOf(properties, 'lead_last_name');
  const name = textOf(properties, 'lead_name') ?? [first, last].filter((part) => part !== null).join(' ');
  const parts: readonly (readonly [string, string | null])[] = [
    ['$email', textOf(properties, 'lead_email')],
    ['$name', name === '' ? null : name],
    ['$first_name', first],
    ['$last_name', last],
    ['company', textOf(properties, 'lead_company_name')],
  ];
  return Object.fromEntries(parts.flatMap(([property, value]) => (value === null ? [] : [[property, value]])));
}

function textOf(properties: ImportEvent['properties'], name: string): string | null {
  const value: PropertyValue | undefined = properties[name];
  return typeof value === 'string' && value.trim() !== '' ? value : null;
}

/** An element of the body of `/engage`, without the token. */
export interface ProfileUpdate {
  readonly $distinct_id: string;
  readonly $ip: '0';
  readonly $ignore_time: true;
  readonly [operator: `$${string}`]: unknown;
}

/** The facts as updates: one per person and operator, lists united, of two values of one property the first. */
export function foldFacts(facts: readonly ProfileFact[]): readonly ProfileUpdate[] {
  const folded = new Map<string, { readonly fact: ProfileFact; readonly properties: Record<string, PropertyValue> }>();
  for (const fact of facts) {
    const key = `${fact.operator}\u0000${fact.distinctId}`;
    const update = folded.get(key) ?? { fact, properties: {} };
    folded.set(key, update);
    for (const [name, value] of Object.entries(fact.properties)) {
      const before = update.properties[name];
      if (before === undefined) update.properties[name] = value;
      else if (Array.isArray(before) && Array.isArray(value))
        update.properties[name] = [...new Set([...before, ...value])];
    }
  }
  return [...folded.values()].map(({ fact, properties }) => ({
    $distinct_id: fact.distinctId,
    $ip: '0',
    // A late delivery is no sign of life of the person.
    $ignore_time: true,
    [fact.operator]: properties,
  }));
}
