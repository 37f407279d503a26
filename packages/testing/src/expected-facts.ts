import type { OracleEvent, OracleRecord } from './oracle.ts';
import { judgeRecord } from './oracle.ts';

/** What a full sync must report, by the rules of the summary. */
export interface ExpectedCounts {
  readonly records: number;
  readonly accepted: number;
  readonly rejected: number;
  /** Events of the accepted records, repeats included. */
  readonly events: number;
  /** Distinct keys: rows. */
  readonly created: number;
  readonly duplicates: number;
  /** Sightings of a key with another fingerprint than its first one in the ledger's order. */
  readonly collisions: number;
}

/** The part of an event that a row can be compared with. */
export type ExpectedRow = Pick<OracleEvent, 'eventType' | 'fingerprint' | 'occurredAt'>;

const ZERO: ExpectedCounts = {
  records: 0,
  accepted: 0,
  rejected: 0,
  events: 0,
  created: 0,
  duplicates: 0,
  collisions: 0,
};
type Tally = { -readonly [Name in keyof ExpectedCounts]: ExpectedCounts[Name] };

/**
 * The set of rows a ledger must become, small enough for a few million keys: the key, and beside it its fingerprint, type
 * and time in plain arrays.
 */
export class ExpectedFacts {
  private readonly index = new Map<string, number>();
  private readonly types: string[] = [];
  private fingerprints = new BigUint64Array(1024);
  private times = new Float64Array(1024);
  private typeOf = new Uint16Array(1024);
  /** Sightings that differ from the first: which of them becomes the row depends on the order of arrival. */
  private readonly others = new Map<string, ExpectedRow[]>();
  private readonly tallies = new Map<string, Tally>();
  private readonly namespace: string;

  constructor(namespace: string) {
    this.namespace = namespace;
  }

  add(record: OracleRecord): void {
    const tally = this.tallyOf(record.platform);
    tally.records += 1;
    const verdict = judgeRecord(record, this.namespace);
    if (verdict.kind === 'rejected') {
      tally.rejected += 1;
      return;
    }
    tally.accepted += 1;
    for (const event of verdict.events) this.addEvent(event, tally);
  }

  /** Number of distinct keys. */
  get size(): number {
    return this.index.size;
  }

  keys(): MapIterator<string> {
    return this.index.keys();
  }

  has(key: string): boolean {
    return this.index.has(key);
  }

  /** Whether a row is one that may stand under its key. */
  accepts(key: string, row: ExpectedRow): boolean {
    const at = this.index.get(key);
    if (at === undefined) return false;
    return isSame(this.rowAt(at), row) || (this.others.get(key) ?? []).some((other) => isSame(other, row));
  }

  /** Counts of one platform, or of all. */
  counts(platform?: string): ExpectedCounts {
    if (platform !== undefined) return { ...(this.tallies.get(platform) ?? ZERO) };
    const total: Tally = { ...ZERO };
    for (const tally of this.tallies.values()) {
      for (const name of Object.keys(total) as (keyof Tally)[]) total[name] += tally[name];
    }
    return total;
  }

  private addEvent(event: OracleEvent, tally: Tally): void {
    tally.events += 1;
    const known = this.index.get(event.eventKey);
    if (known === undefined) {
      tally.created += 1;
      this.append(event);
      return;
    }
    const first = this.rowAt(known);
    if (first.fingerprint === event.fingerprint) tally.duplicates += 1;
    else tally.collisions += 1;
    const { eventType, fingerprint, occurredAt } = event;
    if (isSame(first, event)) return;
    const others = this.others.get(event.eventKey) ?? [];
    others.push({ eventType, fingerprint, occurredAt });
    this.others.set(event.eventKey, others);
  }

  private append(event: OracleEvent): void {
    const at = this.index.size;
    if (at === this.times.length) this.grow();
    this.index.set(event.eventKey, at);
    let type = this.types.indexOf(event.eventType);
    if (type < 0) type = this.types.push(event.eventType) - 1;
    this.typeOf[at] = type;
    this.fingerprints[at] = BigInt(`0x${event.fingerprint}`);
    this.times[at] = event.occurredAt;
  }

  private rowAt(at: number): ExpectedRow {
    return {
      eventType: this.types[this.typeOf[at] ?? 0] ?? '',
      fingerprint: (this.fingerprints[at] ?? 0n).toString(16).padStart(16, '0'),
      occurredAt: this.times[at] ?? 0,
    };
  }

  private tallyOf(platform: string): Tally {
    let tally = this.tallies.get(platform);
    if (tally === undefined) {
      tally = { ...ZERO };
      this.tallies.set(platform, tally);
    }
    return tally;
  }

  private grow(): void {
    const size = this.times.length * 2;
    const fingerprints = new BigUint64Array(size);
    const times = new Float64Array(size);
    const typeOf = new Uint16Array(size);
    fingerprints.set(this.fingerprints);
    times.set(this.times);
    typeOf.set(this.typeOf);
    this.fingerprints = fingerprints;
    this.times = times;
    this.typeOf = typeOf;
  }
}

function isSame(a: ExpectedRow, b: ExpectedRow): boolean {
  return a.fingerprint === b.fingerprint && a.occurredAt === b.occurredAt && a.eventType === b.eventType;
}

/** What a full sync of these records into `namespace` must leave behind; the records are read once and not kept. */
export async function expectFacts(
  records: Iterable<OracleRecord> | AsyncIterable<OracleRecord>,
  namespace = 'default',
): Promise<ExpectedFacts> {
  const facts = new ExpectedFacts(namespace);
  for await (const record of records) facts.add(record);
  return facts;
}
