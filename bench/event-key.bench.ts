import { hash } from 'node:crypto';
import { eventKey, partitionFor } from '@full-sync/schemas';
import type { EventIdentity } from '@full-sync/schemas';
import { compare } from './measure.ts';
import type { BenchResult } from './measure.ts';

export const name = 'event keys';

const identities: readonly EventIdentity[] = Array.from({ length: 1_000 }, (_, index) => ({
  platform: 'smartlead',
  namespace: 'production',
  campaignId: String(3_000_000 + (index % 40)),
  eventType: 'email_opened',
  kind: 'stats',
  parts: [
    `lead-${index}@example.com`,
    `${1 + (index % 5)}`,
    `2026-03-0${1 + (index % 9)}T08:15:30.${100 + (index % 900)}Z`,
  ],
}));

/** Against hashing the same texts once each: no key that is a digest of its fact can be cheaper. */
export function run(): BenchResult {
  const texts = identities.map((identity) => JSON.stringify(identity));
  const units = identities.length;
  const cases = compare([
    { name: 'SHA-256 alone', units, work: () => texts.map((text) => hash('sha256', text, 'hex')) },
    { name: 'eventKey', units, work: () => identities.map(eventKey) },
    { name: 'partitionFor', units, work: () => texts.map((text) => partitionFor(text, 12)) },
  ]);
  return { unit: 'events', baseline: 'SHA-256 alone', cases };
}
