import { createHash } from 'node:crypto';
import type { Client } from '@full-sync/database';
import { compareText } from './domain/plan-batch.ts';
import type { LeafRows } from './domain/plan-batch.ts';
import type { Settled } from './settle-rows.ts';

export interface JobCount {
  readonly jobId: string;
  readonly platform: string;
  recordsAccepted: number;
  eventsDerived: number;
  eventsCreated: number;
  duplicates: number;
  collisions: number;
  deadLettered: number;
}

/** Counts of one transaction per job and platform, from what Postgres did and not from what was sent. */
export class JobCounts {
  readonly #counts = new Map<string, JobCount>();

  add(leaf: LeafRows, settled: Settled): void {
    for (const { facts } of leaf.rows) {
      const count = this.#of(facts.jobId, leaf.platform);
      count.eventsDerived += 1;
      // Index 0 stands for its record: a record that gave events was accepted.
      if (facts.sourceIndex === 0) count.recordsAccepted += 1;
    }
    for (const [jobId, events] of settled.created) this.#of(jobId, leaf.platform).eventsCreated += events;
    for (const [jobId, events] of settled.duplicates) this.#of(jobId, leaf.platform).duplicates += events;
    for (const [jobId, events] of settled.collisions) this.#of(jobId, leaf.platform).collisions += events;
    for (const { row } of settled.refused) this.#of(row.facts.jobId, leaf.platform).deadLettered += 1;
  }

  async store(client: Client, partition: number): Promise<void> {
    for (const count of this.#counts.values()) {
      await client.query(
        `insert into job_counts as c (job_id, platform, partition, records_accepted, events_derived, events_created,
           duplicates, collisions, dead_lettered)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         on conflict (job_id, platform, partition) do update set
           records_accepted = c.records_accepted + excluded.records_accepted,
           events_derived = c.events_derived + excluded.events_derived,
           events_created = c.events_created + excluded.events_created,
           duplicates = c.duplicates + excluded.duplicates,
           collisions = c.collisions + excluded.collisions,
           dead_lettered = c.dead_lettered + excluded.dead_lettered`,
        [
          count.jobId,
          count.platform,
          partition,
          count.recordsAccepted,
          count.eventsDerived,
          count.eventsCreated,
          count.duplicates,
          count.collisions,
          count.deadLettered,
        ],
      );
    }
  }

  [Symbol.iterator](): IterableIterator<JobCount> {
    return this.#counts.values();
  }

  #of(jobId: string, platform: string): JobCount {
    const key = `${jobId}/${platform}`;
    const known = this.#counts.get(key);
    if (known) return known;
    const count: JobCount = {
      jobId,
      platform,
      recordsAccepted: 0,
      eventsDerived: 0,
      eventsCreated: 0,
      duplicates: 0,
      collisions: 0,
      deadLettered: 0,
    };
    this.#counts.set(key, count);
    return count;
  }
}

const maxKnownLeads = 100_000;

/**
 * The distinct leads of a job, kept as (job, platform, 64-bit hash) rows. The cache only saves writes: a lead that fell
 * out of it, or was noted by another loader, is written again without effect.
 */
export class LeadLedger {
  readonly #known = new Set<string>();

  /** The leads of these rows that this process has not written yet. */
  fresh(leaves: readonly LeafRows[]): readonly string[] {
    const fresh = new Set<string>();
    for (const leaf of leaves) {
      for (const { facts } of leaf.rows) {
        if (facts.lead === null) continue;
        const key = `${facts.jobId}/${leaf.platform}/${facts.lead}`;
        if (!this.#known.has(key)) fresh.add(key);
      }
    }
    return [...fresh];
  }

  async store(client: Client, fresh: readonly string[]): Promise<void> {
    if (fresh.length === 0) return;
    // Sorted, so that loaders that note the same leads wait for each other in one order.
    const rows = fresh.map(toRow).toSorted((a, b) => compareText(a.order, b.order));
    await client.query(
      `insert into job_users (job_id, platform, lead_hash)
       select * from unnest($1::text[], $2::text[], $3::bigint[]) on conflict do nothing`,
      [rows.map((row) => row.jobId), rows.map((row) => row.platform), rows.map((row) => row.hash)],
    );
  }

  /** To be called once the rows are committed. */
  committed(fresh: readonly string[]): void {
    if (this.#known.size + fresh.length > maxKnownLeads) this.#known.clear();
    for (const key of fresh) this.#known.add(key);
  }
}

function toRow(key: string): {
  readonly jobId: string;
  readonly platform: string;
  readonly hash: string;
  readonly order: string;
} {
  const [jobId = '', platform = '', ...lead] = key.split('/');
  const hash = createHash('sha256').update(lead.join('/')).digest().readBigInt64BE().toString();
  return { jobId, platform, hash, order: `${jobId}/${platform}/${hash}` };
}
