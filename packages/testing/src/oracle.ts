import { hash } from 'node:crypto';
import { UNREADABLE, readCount, readEmail, readId, readText, readTime, snakeCase } from './oracle-reading.ts';

/**
 * The oracle: what the pipeline must make of a source record, written a second time from the rules for canonical events
 * and sharing no code with the pipeline. It reads the simulators' ledger and says which rows Postgres must hold.
 */

/** A record of a simulator's ledger. */
export interface OracleRecord {
  readonly platform: string;
  /** The campaign whose walk gave the record (Smartlead); Lemlist records carry their own. */
  readonly campaignId: string | null;
  /** The name of that campaign, where the ledger tells it. */
  readonly campaignName?: string | null;
  readonly record: unknown;
}

/** One event that must come of a record. */
export interface OracleEvent {
  readonly eventKey: string;
  /** 16 hex digits. */
  readonly fingerprint: string;
  readonly platform: string;
  readonly eventType: string;
  readonly sourceType: string;
  readonly campaignId: string | null;
  readonly sourceId: string | null;
  readonly leadEmail: string | null;
  readonly leadId: string | null;
  /** Epoch ms. */
  readonly occurredAt: number;
  readonly occurredAtApproximate: boolean;
}

/** The record as a whole becomes events, or goes to the dead letters naming its first fault. */
export type OracleVerdict =
  | { readonly kind: 'events'; readonly events: readonly OracleEvent[] }
  | { readonly kind: 'rejected'; readonly pointer: string };

type Source = Readonly<Record<string, unknown>>;
type IdentityKind = 'id' | 'reply' | 'lead' | 'stats' | 'email-time';
interface Identity {
  readonly kind: IdentityKind;
  readonly parts: readonly [string, ...string[]];
}

/** What the pipeline must make of one record. */
export function judgeRecord(input: OracleRecord, namespace: string): OracleVerdict {
  const { record } = input;
  if (typeof record !== 'object' || record === null || Array.isArray(record)) return { kind: 'rejected', pointer: '' };
  const source = record as Source;
  if (input.platform === 'smartlead') return judgeSmartlead(source, readId(input.campaignId), namespace);
  if (input.platform === 'lemlist') return judgeLemlist(source, namespace);
  throw new Error(`the oracle knows no platform ${input.platform}`);
}

function judgeSmartlead(source: Source, campaignId: string | null, namespace: string): OracleVerdict {
  const times = new Map<string, number | null>();
  for (const field of ['sent_time', 'open_time', 'click_time', 'reply_time']) {
    const time = readTime(source[field]);
    if (time === UNREADABLE || (time === null && field === 'sent_time'))
      return { kind: 'rejected', pointer: `/${field}` };
    times.set(field, time);
  }
  const sentAt = times.get('sent_time') ?? 0;
  const openedAt = times.get('open_time') ?? null;
  const clickedAt = times.get('click_time') ?? null;
  const repliedAt = times.get('reply_time') ?? null;
  const statsId = readId(source['stats_id']);
  const email = readEmail(source['lead_email']);
  const sequence = readCount(source['sequence_number']);
  const unsubscribed = source['is_unsubscribed'] === true;

  if (statsId === null && (email === null || sequence === null)) return { kind: 'rejected', pointer: '/stats_id' };
  if (email === null && (repliedAt !== null || unsubscribed)) return { kind: 'rejected', pointer: '/lead_email' };
  const address = email ?? '';
  const send: Identity =
    statsId === null
      ? { kind: 'stats', parts: [address, String(sequence), String(sentAt)] }
      : { kind: 'id', parts: [statsId] };
  const sendFingerprint = fingerprintOf([address, sequence === null ? '' : String(sequence), String(sentAt)]);

  const events: OracleEvent[] = [];
  const add = (eventType: string, sourceType: string, identity: Identity, at: number, approximate: boolean): void => {
    const ofSend = identity.kind === 'id' || identity.kind === 'stats';
    events.push({
      eventKey: keyOf('smartlead', namespace, campaignId, eventType, identity),
      fingerprint: ofSend ? sendFingerprint : fingerprintOf([]),
      platform: 'smartlead',
      eventType,
      sourceType,
      campaignId,
      sourceId: ofSend ? statsId : null,
      leadEmail: email,
      leadId: null,
      occurredAt: at,
      occurredAtApproximate: approximate,
    });
  };
  add('email_sent', 'sent', send, sentAt, false);
  if (openedAt !== null || (readCount(source['open_count']) ?? 0) > 0) {
    add('email_opened', 'opened', send, openedAt ?? sentAt, openedAt === null);
  }
  if (clickedAt !== null || (readCount(source['click_count']) ?? 0) > 0) {
    add('email_clicked', 'clicked', send, clickedAt ?? sentAt, clickedAt === null);
  }
  if (repliedAt !== null) {
    const seconds = Math.floor(repliedAt / 1000);
    add('email_replied', 'replied', { kind: 'reply', parts: [address, String(seconds)] }, seconds * 1000, false);
  }
  if (source['is_bounced'] === true) add('email_bounced', 'bounced', send, sentAt, true);
  if (unsubscribed) add('email_unsubscribed', 'unsubscribed', { kind: 'lead', parts: [address] }, sentAt, true);
  return { kind: 'events', events };
}

function judgeLemlist(source: Source, namespace: string): OracleVerdict {
  const sourceType = readText(source['type']);
  const eventType = sourceType === null ? '' : snakeCase(sourceType);
  if (sourceType === null || eventType === '') return { kind: 'rejected', pointer: '/type' };
  const createdAt = readTime(source['createdAt']);
  if (createdAt === null || createdAt === UNREADABLE) return { kind: 'rejected', pointer: '/createdAt' };
  const id = readId(source['_id']);
  const leadEmail = readEmail(source['leadEmail']);
  const leadId = readId(source['leadId']) ?? readId(source['contactId']);
  const who = leadEmail ?? leadId;
  if (id === null && who === null) return { kind: 'rejected', pointer: '/_id' };
  const identity: Identity =
    id === null ? { kind: 'email-time', parts: [who ?? '', String(createdAt)] } : { kind: 'id', parts: [id] };
  const campaignId = readId(source['campaignId']);
  return {
    kind: 'events',
    events: [
      {
        eventKey: keyOf('lemlist', namespace, campaignId, eventType, identity),
        fingerprint: fingerprintOf([leadId ?? '', String(createdAt)]),
        platform: 'lemlist',
        eventType,
        sourceType,
        campaignId,
        sourceId: id,
        leadEmail,
        leadId,
        occurredAt: createdAt,
        occurredAtApproximate: false,
      },
    ],
  };
}

/** The key (section 3): four parts for people, and the hash that makes it unique. */
export function keyOf(
  platform: string,
  namespace: string,
  campaignId: string | null,
  eventType: string,
  identity: Identity,
): string {
  const tuple = ['v1', platform, namespace, campaignId ?? '', eventType, identity.kind, ...identity.parts];
  const digest = hash('sha256', lengthPrefixed(tuple), 'hex').slice(0, 32);
  const readable = [platform, campaignId ?? '', eventType, identity.parts[0]].map(forPeople);
  return [...readable, digest].join('_');
}

function forPeople(text: string): string {
  return (
    text
      .toLowerCase()
      .replace(/[^a-z0-9]/g, '')
      .slice(0, 40) || 'none'
  );
}

function fingerprintOf(values: readonly string[]): string {
  return hash('sha256', lengthPrefixed(values), 'hex').slice(0, 16);
}

/** Each element as UTF-8 behind its byte length, four bytes, big end first. */
function lengthPrefixed(elements: readonly string[]): Buffer {
  const lengths = elements.map((element) => Buffer.byteLength(element, 'utf8'));
  const bytes = Buffer.allocUnsafe(lengths.reduce((sum, length) => sum + 4 + length, 0));
  let at = 0;
  elements.forEach((element, i) => {
    at = bytes.writeUInt32BE(lengths[i] ?? 0, at);
    at += bytes.write(element, at, 'utf8');
  });
  return bytes;
}
