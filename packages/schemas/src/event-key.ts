import { hash } from 'node:crypto';
import { encodeTuple } from './encoding.ts';

/** What a fact is known by: `id` an id of the source's own, the others stand in where it gives none. */
export const identityKinds = ['id', 'reply', 'lead', 'stats', 'email-time'] as const;
export type IdentityKind = (typeof identityKinds)[number];

/** The identity of a source fact, in texts as the reading functions give them (docs/events.md, The key). */
export interface EventIdentity {
  readonly platform: string;
  readonly namespace: string;
  /** `''` or `null` for a fact outside campaigns. */
  readonly campaignId: string | null;
  /** In snake case, as `snakeCaseType` gives it. */
  readonly eventType: string;
  readonly kind: IdentityKind;
  /** In the kind's order; the first is the one shown in the key. */
  readonly parts: readonly string[];
}

/** The first element of every hashed tuple; another value would make every key a new one. */
const keyVersion = 'v1';
const readableLength = 40;
const hashHexDigits = 32;

/**
 * The event's key for ever (I2): `{platform}_{campaign}_{eventType}_{id}_{hash}`, five parts, at most 196 ASCII
 * characters. The first four are for people; the last, 128 bits of SHA-256 over the whole identity, makes it unique.
 */
export function eventKey(identity: EventIdentity): string {
  const { platform, namespace, eventType, kind, parts } = identity;
  const campaignId = identity.campaignId ?? '';
  const tuple = [keyVersion, platform, namespace, campaignId, eventType, kind, ...parts];
  const digest = hash('sha256', encodeTuple(tuple), 'hex').slice(0, hashHexDigits);
  return `${readable(platform)}_${readable(campaignId)}_${readable(eventType)}_${readable(parts[0] ?? '')}_${digest}`;
}

function readable(text: string): string {
  const kept = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '')
    .slice(0, readableLength);
  return kept === '' ? 'none' : kept;
}

/**
 * The first 8 bytes of SHA-256 over the values (missing = `''`, numbers in decimal): the same key with another
 * fingerprint is a collision. Without values it is `e3b0c44298fc1c14`.
 */
export function fingerprint(values: readonly string[]): Buffer {
  return hash('sha256', encodeTuple(values), 'buffer').subarray(0, 8);
}
