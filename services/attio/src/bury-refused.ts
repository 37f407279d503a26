import type { Client } from '@full-sync/database';
import { publishDeadLetters, toDeadLetter } from '@full-sync/kafka';
import type { Codec, Producer } from '@full-sync/kafka';
import type { OutreachEvent } from '@full-sync/schemas';

/** An event that is lost to Attio, and Attio's reason. */
export interface RefusedEvent {
  readonly eventId: string;
  readonly code: string;
  readonly detail: string;
  readonly pointer: string | null;
}

/** Writes dead letters for refused events; returns the ids of those that are written. */
export type BuryRefused = (
  client: Client,
  targetId: number,
  refused: readonly RefusedEvent[],
) => Promise<ReadonlySet<string>>;

/** A person whose write Attio refuses, up to and including a version. */
export interface RefusedPerson extends Omit<RefusedEvent, 'eventId'> {
  readonly email: string;
  readonly version: number;
}

const stage = 'attio';
/** Events that are not stored yet are waited for this long: without them a letter cannot be replayed. */
const patienceMs = 600_000;

interface StoredEvent {
  readonly event_id: string;
  readonly event: Omit<OutreachEvent, 'fingerprint'> | null;
  readonly fingerprint: Buffer | null;
  readonly waited_ms: number;
}

/** A letter holds the event as it is stored. Acknowledged before the event is settled as failed (I1). */
export function createBuryRefused(parts: {
  readonly producer: Producer;
  readonly letterCodec: Codec<'outreach.dead-letters'>;
  readonly eventCodec: Codec<'outreach.events'>;
  readonly now: () => number;
}): BuryRefused {
  return async (client, targetId, refused) => {
    if (refused.length === 0) return new Set();
    const reasons = new Map(refused.map((one) => [one.eventId, one]));
    const events = await readEvents(client, targetId, [...reasons.keys()]);
    const ready = events.filter(({ event, waited_ms: waitedMs }) => event !== null || waitedMs > patienceMs);
    const letters = ready.flatMap((stored) => {
      const reason = reasons.get(stored.event_id);
      return reason === undefined ? [] : [letterOf(parts, targetId, reason, stored)];
    });
    await publishDeadLetters(parts.producer, parts.letterCodec, letters);
    return new Set(ready.map((stored) => stored.event_id));
  };
}

/** One letter per event of a refused person; returns the addresses of those whose letters are all written. */
export async function buryPeople(
  bury: BuryRefused,
  client: Client,
  targetId: number,
  refused: readonly RefusedPerson[],
): Promise<ReadonlySet<string>> {
  if (refused.length === 0) return new Set();
  const { rows } = await client.query<{ email: string; event_id: string }>(
    `select f.email, replace(unnest(f.event_ids)::text, '-', '') as event_id from attio_folds f
     join unnest($2::text[], $3::bigint[]) as r (email, version) on f.email = r.email and f.version <= r.version
     where f.target_id = $1`,
    [targetId, refused.map(({ email }) => email), refused.map(({ version }) => version)],
  );
  const reasons = new Map(refused.map((person) => [person.email, person]));
  const events = rows.flatMap(({ email, event_id: eventId }): readonly RefusedEvent[] => {
    const reason = reasons.get(email);
    return reason === undefined ? [] : [{ eventId, code: reason.code, detail: reason.detail, pointer: reason.pointer }];
  });
  const buried = await bury(client, targetId, events);
  const missing = new Set(rows.filter((row) => !buried.has(row.event_id)).map(({ email }) => email));
  return new Set(refused.map(({ email }) => email).filter((email) => !missing.has(email)));
}

function letterOf(
  { eventCodec, now }: { readonly eventCodec: Codec<'outreach.events'>; readonly now: () => number },
  targetId: number,
  { code, detail, pointer, eventId }: RefusedEvent,
  { event, fingerprint }: StoredEvent,
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

/** The events as `event_source` has them; those that are not loaded yet without their content. */
async function readEvents(
  client: Client,
  targetId: number,
  eventIds: readonly string[],
): Promise<readonly StoredEvent[]> {
  const { rows } = await client.query<StoredEvent>(
    `select replace(d.event_id::text, '-', '') as event_id, s.fingerprint,
       (extract(epoch from clock_timestamp() - d.claimed_at) * 1000)::float8 as waited_ms,
       case when s.event_id is not null then jsonb_build_object('event_key', s.event_key, 'namespace', s.namespace,
         'platform', s.platform, 'event_type', s.event_type, 'source_type', s.source_type, 'campaign_id', s.campaign_id,
         'campaign_name', s.campaign_name, 'source_id', s.source_id, 'lead_email', s.lead_email, 'lead_id', s.lead_id,
         'occurred_at', (extract(epoch from s.occurred_at) * 1000)::bigint,
         'occurred_at_approximate', s.occurred_at_approximate, 'properties', s.properties::text, 'job_id', s.job_id,
         'source_topic_id', '', 'source_offset', 0, 'source_index', 0, 'source_count', 1,
         'fetched_at', (extract(epoch from s.created_at) * 1000)::bigint) end as event
     -- The ids once more: each leaf is asked by its index, whatever the planner thinks of so many leaves.
     from deliveries d left join event_source s on s.event_id = d.event_id and s.event_id = any($2::uuid[])
     where d.target_id = $1 and d.event_id = any($2::uuid[])`,
    [targetId, eventIds],
  );
  return rows;
}
