import type { Client, Queryable } from './database.ts';

/** A record of the events topic that is set aside. */
export interface NewParkedEvent {
  readonly namespace: string;
  readonly partition: number;
  /** 32 hex digits. */
  readonly eventId: string;
  readonly jobId: string;
  readonly topicId: string;
  readonly offset: number;
  readonly publishedAtMs: number;
  readonly redrive: boolean;
  readonly value: Buffer;
}

export interface ParkedEvent extends NewParkedEvent {
  readonly parkedId: number;
}

/** What a destination has set aside of a namespace and partition, under a lease of this process. */
export interface ParkedLane {
  readonly destination: string;
  readonly namespace: string;
  readonly partition: number;
  readonly epoch: number;
  /** How often in a row its target took nothing. */
  readonly refusals: number;
}

/** The namespaces of a partition whose events a destination sets aside now. */
export async function readParkedNamespaces(
  queryable: Queryable,
  { destination, partition }: { readonly destination: string; readonly partition: number },
): Promise<readonly string[]> {
  const { rows } = await queryable.query<{ namespace: string }>({
    name: 'read-parked-namespaces',
    text: 'select namespace from parked_lanes where destination = $1 and partition = $2 order by namespace',
    values: [destination, partition],
  });
  return rows.map(({ namespace }) => namespace);
}

/** Sets records aside, in the order given; their lanes are parked from the same commit on. */
export async function parkEvents(
  client: Client,
  destination: string,
  events: readonly NewParkedEvent[],
): Promise<void> {
  if (events.length === 0) return;
  await client.query({
    name: 'park-events',
    text: `insert into parked_events
        (destination, namespace, partition, event_id, job_id, topic_id, record_offset, published_at, redrive, value)
      select $1, namespace, partition, event_id, job_id, topic_id, record_offset, to_timestamp(published_ms / 1000), redrive, value
      from unnest($2::text[], $3::integer[], $4::uuid[], $5::text[], $6::uuid[], $7::bigint[], $8::float8[], $9::boolean[],
          $10::bytea[]) with ordinality
        as parked (namespace, partition, event_id, job_id, topic_id, record_offset, published_ms, redrive, value, place)
      order by place`,
    values: [
      destination,
      events.map(({ namespace }) => namespace),
      events.map(({ partition }) => partition),
      events.map(({ eventId }) => eventId),
      events.map(({ jobId }) => jobId),
      events.map(({ topicId }) => topicId),
      events.map(({ offset }) => offset),
      events.map(({ publishedAtMs }) => publishedAtMs),
      events.map(({ redrive }) => redrive),
      events.map(({ value }) => value),
    ],
  });
  // Last: whoever leaves the lane waits for its row, and then sees that it is not empty.
  await client.query({
    name: 'park-lanes',
    text: `insert into parked_lanes as known (destination, namespace, partition, events)
      select $1, namespace, partition, count(*) from unnest($2::text[], $3::integer[]) as parked (namespace, partition)
      group by namespace, partition order by namespace, partition
      on conflict (destination, namespace, partition) do update set events = known.events + excluded.events`,
    values: [destination, events.map(({ namespace }) => namespace), events.map(({ partition }) => partition)],
  });
}

/** Takes the lease on lanes that are due and nobody's, the longest due first; at most `most`. */
export async function claimLanes(
  queryable: Queryable,
  claim: { readonly destination: string; readonly owner: string; readonly leaseMs: number; readonly most: number },
): Promise<readonly ParkedLane[]> {
  const { destination, owner, leaseMs, most } = claim;
  const { rows } = await queryable.query<{
    namespace: string;
    partition: number;
    lease_epoch: string;
    refusals: number;
  }>({
    name: 'claim-lanes',
    text: `update parked_lanes l set lease_owner = $2, lease_epoch = l.lease_epoch + 1,
        lease_until = clock_timestamp() + $3::float8 * interval '1 millisecond'
      from (select namespace, partition from parked_lanes
        where destination = $1 and due_at <= clock_timestamp() and (lease_until is null or lease_until < clock_timestamp())
        order by due_at, namespace, partition limit $4 for update skip locked) as due
      where l.destination = $1 and l.namespace = due.namespace and l.partition = due.partition
      returning l.namespace, l.partition, l.lease_epoch, l.refusals`,
    values: [destination, owner, leaseMs, most],
  });
  return rows.map(({ namespace, partition, lease_epoch: epoch, refusals }) => {
    return { destination, namespace, partition, epoch: Number(epoch), refusals };
  });
}

const ofLane = 'destination = $1 and namespace = $2 and partition = $3 and lease_epoch = $4';

function keyOf({ destination, namespace, partition, epoch }: ParkedLane): readonly (string | number)[] {
  return [destination, namespace, partition, epoch];
}

/** Keeps the lease; false when it is somebody else's by now, or the lane is gone. */
export async function renewLane(queryable: Queryable, lane: ParkedLane, leaseMs: number): Promise<boolean> {
  const { rowCount } = await queryable.query({
    name: 'renew-lane',
    text: `update parked_lanes set lease_until = clock_timestamp() + $5::float8 * interval '1 millisecond' where ${ofLane}`,
    values: [...keyOf(lane), leaseMs],
  });
  return rowCount === 1;
}

/** Locks a lane in the caller's transaction; false when the lease is somebody else's by now, or the lane is gone. */
export async function lockLane(client: Client, lane: ParkedLane): Promise<boolean> {
  const { rowCount } = await client.query({
    name: 'lock-lane',
    text: `select from parked_lanes where ${ofLane} for update`,
    values: [...keyOf(lane)],
  });
  return rowCount === 1;
}

/**
 * The first records of a lane, in the order of the log: at most so many, and none after the one that reaches so many
 * bytes.
 */
export async function readParkedPage(
  queryable: Queryable,
  { destination, namespace, partition }: ParkedLane,
  most: { readonly events: number; readonly bytes: number },
): Promise<readonly ParkedEvent[]> {
  const { rows } = await queryable.query<{
    parked_id: string;
    event_id: string;
    job_id: string;
    topic_id: string;
    record_offset: string;
    published_ms: number;
    redrive: boolean;
    value: Buffer;
  }>({
    name: 'read-parked-page',
    text: `select parked_id, replace(event_id::text, '-', '') as event_id, job_id, topic_id, record_offset,
        (extract(epoch from published_at) * 1000)::float8 as published_ms, redrive, value
      from (select *, sum(octet_length(value)) over (order by parked_id) - octet_length(value) as bytes_before
        from parked_events where destination = $1 and namespace = $2 and partition = $3 order by parked_id limit $4) as first
      where bytes_before < $5 order by parked_id`,
    values: [destination, namespace, partition, most.events, most.bytes],
  });
  return rows.map((row) => ({
    parkedId: Number(row.parked_id),
    namespace,
    partition,
    eventId: row.event_id,
    jobId: row.job_id,
    topicId: row.topic_id,
    offset: Number(row.record_offset),
    publishedAtMs: row.published_ms,
    redrive: row.redrive,
    value: row.value,
  }));
}

/** Takes settled records out of a lane that the caller has locked. */
export async function unparkEvents(client: Client, lane: ParkedLane, parkedIds: readonly number[]): Promise<void> {
  const { rowCount } = await client.query({
    name: 'unpark-events',
    text: 'delete from parked_events where parked_id = any($1::bigint[])',
    values: [parkedIds],
  });
  await client.query({
    name: 'unpark-lane',
    text: `update parked_lanes set events = events - $5 where ${ofLane}`,
    values: [...keyOf(lane), rowCount],
  });
}

/** How a turn at a lane went. */
export interface LaneTurn {
  /** How often in a row the target has taken nothing now; 0 when it took something. */
  readonly refusals: number;
  /** Until the lane is due again, ms. */
  readonly waitMs: number;
}

/**
 * Gives a lane back; it is gone when nothing is left in it, and the reader of the topic delivers its events itself again.
 * What the target has said holds for the other lanes of the namespace that nobody works on.
 */
export async function leaveLane(queryable: Queryable, lane: ParkedLane, turn: LaneTurn): Promise<void> {
  const { refusals, waitMs } = turn;
  const ended = await queryable.query({
    name: 'end-lane',
    text: `delete from parked_lanes where ${ofLane} and events = 0`,
    values: [...keyOf(lane)],
  });
  if (ended.rowCount === 0) {
    await queryable.query({
      name: 'leave-lane',
      text: `update parked_lanes set lease_owner = null, lease_until = null, refusals = $5,
          due_at = clock_timestamp() + $6::float8 * interval '1 millisecond' where ${ofLane}`,
      values: [...keyOf(lane), refusals, waitMs],
    });
  }
  if (refusals === lane.refusals) return;
  const { destination, namespace, partition } = lane;
  await queryable.query({
    name: 'tell-other-lanes',
    text: `update parked_lanes l set refusals = $4, due_at = clock_timestamp() + $5::float8 * interval '1 millisecond'
      from (select partition from parked_lanes where destination = $1 and namespace = $2 and partition <> $3
          and (lease_until is null or lease_until < clock_timestamp())
        order by partition for update skip locked) as other
      where l.destination = $1 and l.namespace = $2 and l.partition = other.partition`,
    values: [destination, namespace, partition, refusals, waitMs],
  });
}

/** What a destination has set aside of a namespace. */
export interface ParkedNamespace {
  readonly namespace: string;
  readonly events: number;
  /** Whether its target took nothing when it was last asked. */
  readonly refused: boolean;
}

export async function readParked(queryable: Queryable, destination: string): Promise<readonly ParkedNamespace[]> {
  const { rows } = await queryable.query<ParkedNamespace>({
    name: 'read-parked',
    text: `select namespace, sum(events)::float8 as events, bool_and(refusals > 0) as refused
      from parked_lanes where destination = $1 group by namespace order by namespace`,
    values: [destination],
  });
  return rows;
}

/**
 * Drops what is set aside of a namespace that is deleted, and what the ledger keeps of it to send; for the jobs that
 * brought it, it counts as skipped.
 */
export async function dropParked(client: Client, namespace: string): Promise<void> {
  await client.query(
    `delete from parked_lanes where namespace = $1 and destination in (select destination from destinations)`,
    [namespace],
  );
  await client.query(
    `with dropped as (delete from parked_events where namespace = $1 and destination in (select destination from destinations)
       returning destination, job_id, event_id),
     unclaimed as (delete from deliveries d using dropped p join delivery_targets t on t.destination = p.destination
       where d.target_id = t.target_id and d.event_id = p.event_id and d.state = 'claimed'
         and not exists (select from delivery_claims c where c.claim_id = d.claim_id and c.expires_at > clock_timestamp())),
     counted as (select destination, job_id, count(*) as events from dropped group by 1, 2)
     insert into job_deliveries as known (job_id, destination, partition, skipped, open)
     select job_id, destination, -1, events, -events from counted order by job_id, destination
     on conflict (job_id, destination, partition) do update
       set skipped = known.skipped + excluded.skipped, open = known.open + excluded.open`,
    [namespace],
  );
}
