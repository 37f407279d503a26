import type { Client, Database, Queryable } from './database.ts';

/** The events of one namespace that a destination has set aside. */
export interface Parked {
  readonly destination: string;
  readonly namespace: string;
}

/** A record of the events topic that is set aside. */
export interface NewParkedEvent {
  readonly namespace: string;
  readonly jobId: string;
  readonly topicId: string;
  readonly partition: number;
  readonly offset: number;
  readonly publishedAtMs: number;
  readonly redrive: boolean;
  readonly value: Buffer;
}

export interface ParkedEvent extends NewParkedEvent {
  readonly parkedId: number;
}

/** The namespaces whose events a destination sets aside now. */
export async function readParkedNamespaces(queryable: Queryable, destination: string): Promise<readonly string[]> {
  const { rows } = await queryable.query<{ namespace: string }>({
    name: 'read-parked-namespaces',
    text: 'select namespace from parked_namespaces where destination = $1 order by namespace',
    values: [destination],
  });
  return rows.map(({ namespace }) => namespace);
}

/** Sets records aside, in the order given; their namespaces are parked from the same commit on. */
export async function parkEvents(
  client: Client,
  destination: string,
  events: readonly NewParkedEvent[],
): Promise<void> {
  if (events.length === 0) return;
  // Taken and held by the update, though it changes nothing: `endParking` waits for these records, or has come before.
  await client.query({
    name: 'park-namespaces',
    text: `insert into parked_namespaces as known (destination, namespace) select $1, unnest($2::text[])
      on conflict (destination, namespace) do update set parked_since = known.parked_since`,
    values: [destination, [...new Set(events.map(({ namespace }) => namespace))].toSorted()],
  });
  await client.query({
    name: 'park-events',
    text: `insert into parked_events
        (destination, namespace, job_id, topic_id, partition, record_offset, published_at, redrive, value)
      select $1, namespace, job_id, topic_id, partition, record_offset, to_timestamp(published_ms / 1000), redrive, value
      from unnest($2::text[], $3::text[], $4::uuid[], $5::integer[], $6::bigint[], $7::float8[], $8::boolean[], $9::bytea[])
        with ordinality as parked
          (namespace, job_id, topic_id, partition, record_offset, published_ms, redrive, value, place)
      order by place`,
    values: [
      destination,
      events.map(({ namespace }) => namespace),
      events.map(({ jobId }) => jobId),
      events.map(({ topicId }) => topicId),
      events.map(({ partition }) => partition),
      events.map(({ offset }) => offset),
      events.map(({ publishedAtMs }) => publishedAtMs),
      events.map(({ redrive }) => redrive),
      events.map(({ value }) => value),
    ],
  });
}

/** Takes or keeps the lease on a parked namespace: one process delivers what is set aside. False when another has it. */
export async function leaseParked(
  queryable: Queryable,
  { destination, namespace }: Parked,
  { owner, leaseMs }: { readonly owner: string; readonly leaseMs: number },
): Promise<boolean> {
  const { rowCount } = await queryable.query({
    name: 'lease-parked',
    text: `update parked_namespaces set lease_owner = $3, lease_until = clock_timestamp() + $4::float8 * interval '1 millisecond'
      where destination = $1 and namespace = $2
        and (lease_owner = $3 or lease_until is null or lease_until < clock_timestamp())`,
    values: [destination, namespace, owner, leaseMs],
  });
  return rowCount === 1;
}

/** Gives the lease back, so that another copy goes on at once. */
export async function releaseParked(
  queryable: Queryable,
  { destination, namespace }: Parked,
  owner: string,
): Promise<void> {
  await queryable.query(
    `update parked_namespaces set lease_owner = null, lease_until = null
     where destination = $1 and namespace = $2 and lease_owner = $3`,
    [destination, namespace, owner],
  );
}

/** The partitions of which records of a namespace are set aside. */
export async function readParkedPartitions(
  queryable: Queryable,
  { destination, namespace }: Parked,
): Promise<readonly number[]> {
  const { rows } = await queryable.query<{ partition: number }>(
    'select distinct partition from parked_events where destination = $1 and namespace = $2 order by partition',
    [destination, namespace],
  );
  return rows.map(({ partition }) => partition);
}

/**
 * The first records of a namespace and partition that are set aside, in the order of the log: at most so many, and none
 * after the one that reaches so many bytes.
 */
export async function readParkedPage(
  queryable: Queryable,
  { destination, namespace, partition }: Parked & { readonly partition: number },
  most: { readonly events: number; readonly bytes: number },
): Promise<readonly ParkedEvent[]> {
  const { rows } = await queryable.query<{
    parked_id: string;
    job_id: string;
    topic_id: string;
    record_offset: string;
    published_ms: number;
    redrive: boolean;
    value: Buffer;
  }>({
    name: 'read-parked-page',
    text: `select parked_id, job_id, topic_id, record_offset,
        (extract(epoch from published_at) * 1000)::float8 as published_ms, redrive, value
      from (select *, sum(octet_length(value)) over (order by parked_id) - octet_length(value) as bytes_before
        from parked_events where destination = $1 and namespace = $2 and partition = $3 order by parked_id limit $4) as first
      where bytes_before < $5 order by parked_id`,
    values: [destination, namespace, partition, most.events, most.bytes],
  });
  return rows.map((row) => ({
    parkedId: Number(row.parked_id),
    namespace,
    jobId: row.job_id,
    topicId: row.topic_id,
    partition,
    offset: Number(row.record_offset),
    publishedAtMs: row.published_ms,
    redrive: row.redrive,
    value: row.value,
  }));
}

/** Locks records that are set aside; false when one is gone: somebody else has settled it. */
export async function lockParked(client: Client, parkedIds: readonly number[]): Promise<boolean> {
  const { rowCount } = await client.query({
    name: 'lock-parked',
    text: 'select from parked_events where parked_id = any($1::bigint[]) order by parked_id for update',
    values: [parkedIds],
  });
  return rowCount === parkedIds.length;
}

/** Takes settled records out of what is set aside. */
export async function unparkEvents(client: Client, parkedIds: readonly number[]): Promise<void> {
  await client.query({
    name: 'unpark-events',
    text: 'delete from parked_events where parked_id = any($1::bigint[])',
    values: [parkedIds],
  });
}

/** Drops what is set aside of a namespace that is deleted; for the jobs that brought it, it counts as skipped. */
export async function dropParked(client: Client, namespace: string): Promise<void> {
  await client.query(
    `with dropped as (delete from parked_events where namespace = $1 returning destination, job_id),
       counted as (select destination, job_id, count(*) as events from dropped group by 1, 2)
     insert into job_deliveries as known (job_id, destination, partition, skipped, open)
     select job_id, destination, -1, events, -events from counted order by job_id, destination
     on conflict (job_id, destination, partition) do update
       set skipped = known.skipped + excluded.skipped, open = known.open + excluded.open`,
    [namespace],
  );
}

/** Ends the parking of a namespace of which nothing is set aside; false when something is. */
export async function endParking(db: Database, { destination, namespace }: Parked): Promise<boolean> {
  return await db.transaction(async (client) => {
    await client.query('select from parked_namespaces where destination = $1 and namespace = $2 for update', [
      destination,
      namespace,
    ]);
    // A statement of its own: it sees what was set aside by whoever held the row before.
    const { rowCount } = await client.query(
      `delete from parked_namespaces where destination = $1 and namespace = $2
         and not exists (select from parked_events where destination = $1 and namespace = $2)`,
      [destination, namespace],
    );
    return rowCount === 1;
  });
}

/** How many records a destination has set aside. */
export async function countParked(queryable: Queryable, destination: string): Promise<number> {
  const { rows } = await queryable.query<{ events: number }>({
    name: 'count-parked',
    text: 'select count(*)::float8 as events from parked_events where destination = $1',
    values: [destination],
  });
  return rows[0]?.events ?? 0;
}
