import type { Client, Database, Queryable } from './database.ts';

export type BackfillStatus = 'waiting' | 'running' | 'done' | 'cancelled' | 'failed';

/** An order to deliver what is stored to a destination, and how far it is. */
export interface Backfill {
  readonly backfillId: string;
  readonly destination: string;
  readonly namespace: string;
  /** Events that happened from then on; null = all. */
  readonly since: Date | null;
  readonly status: BackfillStatus;
  /** Events in scope when it began; null before. */
  readonly total: number | null;
  readonly lookedAt: number;
  readonly sent: number;
  readonly skipped: number;
  readonly failed: number;
  readonly waitingFor: string | null;
  readonly error: unknown;
  readonly createdAt: Date;
  readonly endedAt: Date | null;
}

const columns = `backfill_id, destination, namespace, since, status, total, looked_at, sent, skipped, failed, waiting_for, error,
  created_at, ended_at`;

interface BackfillRow {
  readonly backfill_id: string;
  readonly destination: string;
  readonly namespace: string;
  readonly since: Date | null;
  readonly status: BackfillStatus;
  readonly total: string | null;
  readonly looked_at: string;
  readonly sent: string;
  readonly skipped: string;
  readonly failed: string;
  readonly waiting_for: string | null;
  readonly error: unknown;
  readonly created_at: Date;
  readonly ended_at: Date | null;
}

function toBackfill(row: BackfillRow): Backfill {
  return {
    backfillId: row.backfill_id,
    destination: row.destination,
    namespace: row.namespace,
    since: row.since,
    status: row.status,
    total: row.total === null ? null : Number(row.total),
    lookedAt: Number(row.looked_at),
    sent: Number(row.sent),
    skipped: Number(row.skipped),
    failed: Number(row.failed),
    waitingFor: row.waiting_for,
    error: row.error,
    createdAt: row.created_at,
    endedAt: row.ended_at,
  };
}

/** Stores an order; false when there is no such namespace. */
export async function insertBackfill(
  queryable: Queryable,
  order: Pick<Backfill, 'backfillId' | 'destination' | 'namespace' | 'since'>,
): Promise<boolean> {
  const { rowCount } = await queryable.query(
    `insert into delivery_backfills (backfill_id, destination, namespace, since)
     select $1, $2, namespace, $4 from namespaces where namespace = $3 and deleted_at is null`,
    [order.backfillId, order.destination, order.namespace, order.since],
  );
  return rowCount === 1;
}

export async function readBackfill(queryable: Queryable, backfillId: string): Promise<Backfill | null> {
  const { rows } = await queryable.query<BackfillRow>(
    `select ${columns} from delivery_backfills where backfill_id = $1`,
    [backfillId],
  );
  return rows[0] === undefined ? null : toBackfill(rows[0]);
}

/** The newest first, at most `limit`. */
export async function listBackfills(queryable: Queryable, limit: number): Promise<readonly Backfill[]> {
  const { rows } = await queryable.query<BackfillRow>(
    `select ${columns} from delivery_backfills order by created_at desc, backfill_id limit $1`,
    [limit],
  );
  return rows.map(toBackfill);
}

/** Ends an order early: what is under way of it is still settled. False when it had ended. */
export async function cancelBackfill(queryable: Queryable, backfillId: string): Promise<boolean> {
  const { rowCount } = await queryable.query(
    `update delivery_backfills set status = 'cancelled', ended_at = now(), waiting_for = null, lease_owner = null,
       lease_until = null, lease_epoch = lease_epoch + 1
     where backfill_id = $1 and ended_at is null`,
    [backfillId],
  );
  return rowCount === 1;
}

/** An order whose lease this process holds. */
export interface ClaimedBackfill {
  readonly backfillId: string;
  readonly epoch: number;
  readonly namespace: string;
  readonly since: Date | null;
  readonly after: BackfillPlace | null;
  readonly total: number | null;
}

/** Where an order stands: the platforms in turn, each in the order of event ids. */
export interface BackfillPlace {
  readonly platform: string;
  /** 32 hex digits. */
  readonly eventId: string;
}

/** Claims the oldest order of a destination that nobody works on, with a new epoch; null when there is none. */
export async function claimBackfill(
  queryable: Queryable,
  options: { readonly destination: string; readonly owner: string; readonly leaseMs: number },
): Promise<ClaimedBackfill | null> {
  const { rows } = await queryable.query<{
    backfill_id: string;
    lease_epoch: string;
    namespace: string;
    since: Date | null;
    after_platform: string | null;
    after_event_id: string | null;
    total: string | null;
  }>({
    name: 'claim-backfill',
    text: `update delivery_backfills b set status = 'running', started_at = coalesce(b.started_at, now()), lease_owner = $2,
        lease_epoch = b.lease_epoch + 1, lease_until = clock_timestamp() + $3::float8 * interval '1 millisecond'
      from (select backfill_id from delivery_backfills
        where destination = $1 and ended_at is null and (lease_until is null or lease_until < clock_timestamp())
        order by created_at, backfill_id limit 1 for update skip locked) chosen
      where b.backfill_id = chosen.backfill_id
      returning b.backfill_id, b.lease_epoch, b.namespace, b.since, b.after_platform,
        replace(b.after_event_id::text, '-', '') as after_event_id, b.total`,
    values: [options.destination, options.owner, options.leaseMs],
  });
  const row = rows[0];
  if (row === undefined) return null;
  const { after_platform: platform, after_event_id: eventId } = row;
  return {
    backfillId: row.backfill_id,
    epoch: Number(row.lease_epoch),
    namespace: row.namespace,
    since: row.since,
    after: platform === null || eventId === null ? null : { platform, eventId },
    total: row.total === null ? null : Number(row.total),
  };
}

type Held = Pick<ClaimedBackfill, 'backfillId' | 'epoch'>;

/** Keeps the lease and says what the order waits for; false when it is somebody else's, or ended. */
export async function renewBackfill(
  queryable: Queryable,
  { backfillId, epoch }: Held,
  renewal: { readonly leaseMs: number; readonly waitingFor: string | null },
): Promise<boolean> {
  const { rowCount } = await queryable.query(
    `update delivery_backfills set lease_until = clock_timestamp() + $3::float8 * interval '1 millisecond', waiting_for = $4
     where backfill_id = $1 and lease_epoch = $2 and ended_at is null`,
    [backfillId, epoch, renewal.leaseMs, renewal.waitingFor],
  );
  return rowCount === 1;
}

/** Gives the lease back, so that another copy goes on at once. */
export async function releaseBackfill(queryable: Queryable, { backfillId, epoch }: Held): Promise<void> {
  await queryable.query(
    `update delivery_backfills set lease_owner = null, lease_until = null where backfill_id = $1 and lease_epoch = $2`,
    [backfillId, epoch],
  );
}

/** Stores how many events are in scope, counted once. */
export async function countBackfill(queryable: Queryable, backfill: ClaimedBackfill): Promise<void> {
  await queryable.query(
    `update delivery_backfills set total = (
       select count(*) from event_source where namespace = $3 and ($4::timestamptz is null or occurred_at >= $4))
     where backfill_id = $1 and lease_epoch = $2 and total is null`,
    [backfill.backfillId, backfill.epoch, backfill.namespace, backfill.since],
  );
}

/** Locks the order in the caller's transaction; false when it is somebody else's, ended, or not where it is thought to be. */
export async function lockBackfill(client: Client, backfill: ClaimedBackfill): Promise<boolean> {
  const { rows } = await client.query<{ here: boolean }>(
    `select lease_epoch = $2 and ended_at is null and after_platform is not distinct from $3
       and after_event_id is not distinct from $4::uuid as here
     from delivery_backfills where backfill_id = $1 for update`,
    [backfill.backfillId, backfill.epoch, backfill.after?.platform ?? null, backfill.after?.eventId ?? null],
  );
  return rows[0]?.here === true;
}

/** Moves the order past a page and adds what became of it, in the transaction that locked it. */
export async function advanceBackfill(
  client: Client,
  backfillId: string,
  page: {
    readonly after: BackfillPlace;
    readonly lookedAt: number;
    readonly sent: number;
    readonly skipped: number;
    readonly failed: number;
  },
): Promise<void> {
  await client.query(
    `update delivery_backfills set after_platform = $2, after_event_id = $3, looked_at = looked_at + $4, sent = sent + $5,
       skipped = skipped + $6, failed = failed + $7
     where backfill_id = $1`,
    [backfillId, page.after.platform, page.after.eventId, page.lookedAt, page.sent, page.skipped, page.failed],
  );
}

/** Ends an order; nothing happens when it is somebody else's, or ended. */
export async function endBackfill(
  queryable: Queryable,
  { backfillId, epoch }: Held,
  ending: { readonly status: 'done' | 'failed'; readonly error: object | null },
): Promise<void> {
  await queryable.query(
    `update delivery_backfills set status = $3, error = $4, ended_at = now(), waiting_for = null, lease_owner = null,
       lease_until = null
     where backfill_id = $1 and lease_epoch = $2 and ended_at is null`,
    [backfillId, epoch, ending.status, ending.error === null ? null : JSON.stringify(ending.error)],
  );
}

/** A row of event_source. */
export interface StoredEvent {
  /** 32 hex digits. */
  readonly eventId: string;
  readonly eventKey: string;
  readonly namespace: string;
  readonly platform: string;
  readonly eventType: string;
  readonly sourceType: string;
  readonly campaignId: string | null;
  readonly campaignName: string | null;
  readonly sourceId: string | null;
  readonly leadEmail: string | null;
  readonly leadId: string | null;
  readonly occurredAtMs: number;
  readonly occurredAtApproximate: boolean;
  /** JSON text. */
  readonly properties: string;
  readonly fingerprint: Buffer;
  readonly jobId: string;
  readonly createdAtMs: number;
}

/** The next events of an order, in the order of platforms and event ids; empty at its end. */
export async function readBackfillPage(
  db: Database,
  backfill: ClaimedBackfill,
  limit: number,
): Promise<readonly StoredEvent[]> {
  const { rows: leaves } = await db.pool.query<{ platform: string }>(
    `select platform from leaf_states where namespace = $1 and platform >= coalesce($2, '') order by platform`,
    [backfill.namespace, backfill.after?.platform ?? null],
  );
  for (const { platform } of leaves) {
    const afterId = backfill.after?.platform === platform ? backfill.after.eventId : null;
    const { rows } = await db.pool.query<StoredEvent>(
      `select replace(event_id::text, '-', '') as "eventId", event_key as "eventKey", namespace, platform,
         event_type as "eventType", source_type as "sourceType", campaign_id as "campaignId",
         campaign_name as "campaignName", source_id as "sourceId", lead_email as "leadEmail", lead_id as "leadId",
         (extract(epoch from occurred_at) * 1000)::float8 as "occurredAtMs",
         occurred_at_approximate as "occurredAtApproximate", properties::text as properties, fingerprint,
         job_id as "jobId", trunc(extract(epoch from created_at) * 1000)::float8 as "createdAtMs"
       from event_source where namespace = $1 and platform = $2 and ($3::uuid is null or event_id > $3)
         and ($4::timestamptz is null or occurred_at >= $4)
       order by event_id limit $5`,
      [backfill.namespace, platform, afterId, backfill.since, limit],
    );
    if (rows.length > 0) return rows;
  }
  return [];
}

/** Deletes claims that ended long ago: their processes died, and what they had claimed is free. */
export async function sweepClaims(queryable: Queryable, destination: string): Promise<void> {
  await queryable.query(
    `delete from delivery_claims where destination = $1 and expires_at < now() - interval '1 hour'`,
    [destination],
  );
}
