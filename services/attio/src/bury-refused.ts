import type { Client } from '@full-sync/database';
import { publishDeadLetters, toDeadLetter } from '@full-sync/kafka';
import type { Codec, Producer } from '@full-sync/kafka';
import type { OutreachEvent } from '@full-sync/schemas';

/** A person whose write Attio refuses, up to and including a version. */
export interface RefusedPerson {
  readonly email: string;
  readonly version: number;
  readonly code: string;
  readonly detail: string;
  readonly pointer: string | null;
}

/** Writes dead letters for the events of refused people; returns the addresses of those whose letters are all written. */
export type BuryRefused = (
  client: Client,
  targetId: number,
  refused: readonly RefusedPerson[],
) => Promise<ReadonlySet<string>>;

const stage = 'attio';
/** Events that are not stored yet are waited for this long: without them a letter cannot be replayed. */
const patienceMs = 600_000;

interface StoredEvent {
  readonly email: string;
  readonly event_id: string;
  readonly event: Omit<OutreachEvent, 'fingerprint'> | null;
  readonly fingerprint: Buffer | null;
  readonly waited_ms: number;
}

/**
 * One letter per event, with the event as it is stored: what is refused is the person, and what is lost to Attio are
 * the events. Acknowledged before they are settled as failed (I1).
 */
export function createBuryRefused(parts: {
  readonly producer: Producer;
  readonly letterCodec: Codec<'outreach.dead-letters'>;
  readonly eventCodec: Codec<'outreach.events'>;
  readonly now: () => number;
}): BuryRefused {
  return async (client, targetId, refused) => {
    if (refused.length === 0) return new Set();
    const events = await readEvents(client, targetId, refused);
    const byEmail = Map.groupBy(events, ({ email }) => email);
    const ready = refused.filter(({ email }) =>
      (byEmail.get(email) ?? []).every(({ event, waited_ms: waitedMs }) => event !== null || waitedMs > patienceMs),
    );
    const letters = ready.flatMap((person) =>
      (byEmail.get(person.email) ?? []).map((one) => letterOf(parts, targetId, person, one)),
    );
    await publishDeadLetters(parts.producer, parts.letterCodec, letters);
    return new Set(ready.map(({ email }) => email));
  };
}

function letterOf(
  { eventCodec, now }: { readonly eventCodec: Codec<'outreach.events'>; readonly now: () => number },
  targetId: number,
  { code, detail, pointer }: RefusedPerson,
  { event, fingerprint, event_id: eventId }: StoredEvent,
) {
  const record =
    event === null || fingerprint === null
      ? Buffer.from(JSON.stringify({ event_id: eventId }))
      : eventCodec.encode({ ...event, fingerprint });
  return toDeadLetter({
    stage,
    code,
    detail,
    pointer,
    origin: `${targetId}:${eventId}:${stage}`,
    origin_topic: null,
    origin_partition: null,
    origin_offset: null,
    origin_index: null,
    stream_id: null,
    job_id: event?.job_id ?? null,
    namespace: event?.namespace ?? null,
    platform: event?.platform ?? null,
    attempt: 1,
    failed_at: now(),
    record,
  });
}

/** The events that are part of what is refused, as `event_source` has them. */
async function readEvents(
  client: Client,
  targetId: number,
  refused: readonly RefusedPerson[],
): Promise<readonly StoredEvent[]> {
  const { rows } = await client.query<StoredEvent>(
    `with open as (
       select f.email, unnest(f.event_ids) as event_id from attio_folds f
       join unnest($2::text[], $3::bigint[]) as r (email, version) on f.email = r.email and f.version <= r.version
       where f.target_id = $1)
     select o.email, replace(o.event_id::text, '-', '') as event_id, s.fingerprint,
       (extract(epoch from clock_timestamp() - d.claimed_at) * 1000)::float8 as waited_ms,
       case when s.event_id is not null then jsonb_build_object('event_key', s.event_key, 'namespace', s.namespace,
         'platform', s.platform, 'event_type', s.event_type, 'source_type', s.source_type, 'campaign_id', s.campaign_id,
         'campaign_name', s.campaign_name, 'source_id', s.source_id, 'lead_email', s.lead_email, 'lead_id', s.lead_id,
         'occurred_at', (extract(epoch from s.occurred_at) * 1000)::bigint,
         'occurred_at_approximate', s.occurred_at_approximate, 'properties', s.properties::text, 'job_id', s.job_id,
         'source_topic_id', '', 'source_offset', 0, 'source_index', 0, 'source_count', 1,
         'fetched_at', (extract(epoch from s.created_at) * 1000)::bigint) end as event
     from open o join deliveries d on d.target_id = $1 and d.event_id = o.event_id
     left join event_source s on s.event_id = o.event_id`,
    [targetId, refused.map(({ email }) => email), refused.map(({ version }) => version)],
  );
  return rows;
}
