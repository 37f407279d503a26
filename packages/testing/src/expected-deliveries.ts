import type { OracleEvent, OracleRecord } from './oracle.ts';
import { judgeRecord } from './oracle.ts';
import { readId, readText } from './oracle-reading.ts';

/** One sighting of an event, with what destinations say of it. */
export interface Sighting extends OracleEvent {
  readonly namespace: string;
  readonly campaignName: string | null;
}

/**
 * What the records of the ledgers, synced into some namespaces, must become at a destination: by key, every sighting that
 * differs from the others. Which of them is delivered depends on the order of arrival; that one of them is, and only one,
 * does not.
 */
export type ExpectedDeliveries = ReadonlyMap<string, readonly Sighting[]>;

/** Reads the records once. */
export async function expectDeliveries(
  records: Iterable<OracleRecord> | AsyncIterable<OracleRecord>,
  namespaces: readonly string[],
): Promise<ExpectedDeliveries> {
  const found = new Map<string, readonly Sighting[]>();
  for await (const record of records) {
    const campaignName = campaignNameOf(record);
    for (const namespace of namespaces) {
      const verdict = judgeRecord(record, namespace);
      for (const event of verdict.kind === 'events' ? verdict.events : []) {
        const before = found.get(event.eventKey) ?? [];
        const sighting = { ...event, namespace, campaignName };
        if (!before.some((other) => isSame(other, sighting))) found.set(event.eventKey, [...before, sighting]);
      }
    }
  }
  return found;
}

/** A Smartlead row has its campaign from the walk; a Lemlist activity brings the name, under another field in old ones. */
function campaignNameOf({ platform, campaignName, record }: OracleRecord): string | null {
  if (platform !== 'lemlist') return readText(campaignName);
  const field = (name: string): unknown => Reflect.get(Object(record), name);
  const older = readId(field('campaignId')) === null ? null : readText(field('name'));
  return readText(field('campaignName')) ?? older;
}

function isSame(a: Sighting, b: Sighting): boolean {
  return (
    a.occurredAt === b.occurredAt &&
    a.eventType === b.eventType &&
    a.leadEmail === b.leadEmail &&
    a.leadId === b.leadId &&
    a.campaignName === b.campaignName
  );
}
