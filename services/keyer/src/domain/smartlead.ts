import {
  fingerprint,
  idIdentity,
  leadOnlyIdentity,
  readCount,
  readIds,
  readText,
  readTime,
  replyIdentity,
  smartleadEventTypes,
  statsIdentity,
} from '@full-sync/schemas';
import type { FactIdentity, RecordIds, SmartleadSourceType } from '@full-sync/schemas';
import { reject, rejectCodes } from './facts.ts';
import type { Fact, RecordFacts, Rejection } from './facts.ts';

type Row = Readonly<Record<string, unknown>>;

interface RowTimes {
  readonly sent: number;
  readonly opened: number | null;
  readonly clicked: number | null;
  /** Cut to whole seconds. */
  readonly replied: number | null;
}

/** Replies and unsubscriptions have nothing immutable beside their identity, so they never collide. */
const nothingToCompare = fingerprint([]);

/**
 * The one to six events of a statistics row: one sent email and what became of it (docs/events.md, Smartlead). The row does
 * not name its campaign; the envelope does (Smartlead fact sheet, section 6).
 */
export function factsOfRow(
  row: Row,
  campaign: { readonly id: string | null; readonly name: string | null },
): RecordFacts | Rejection {
  const times = readTimes(row);
  if ('kind' in times) return times;
  const ids = readIds('smartlead', row);
  const sequenceNumber = readCount(row['sequence_number']);
  const emailSent = sentEmailIdentity(ids, sequenceNumber, times.sent);
  if (emailSent === null) {
    return identityMissing('stats_id', 'neither stats_id nor all of lead_email, sequence_number and sent_time');
  }
  const unsubscribed = row['is_unsubscribed'] === true;
  const { email } = ids;
  if (email === null && (times.replied !== null || unsubscribed)) {
    return identityMissing('lead_email', 'a reply or an unsubscription is known by lead_email');
  }

  const facts: Fact[] = [];
  const ofEmailSent = fingerprint([email ?? '', sequenceNumber?.toString() ?? '', times.sent.toString()]);
  const add = (sourceType: SmartleadSourceType, identity: FactIdentity, time: number | null): void => {
    facts.push({
      eventType: smartleadEventTypes[sourceType],
      sourceType,
      identity,
      occurredAt: time ?? times.sent,
      approximate: time === null,
      fingerprint: identity.kind === 'reply' || identity.kind === 'lead' ? nothingToCompare : ofEmailSent,
    });
  };
  add('sent', emailSent, times.sent);
  if (times.opened !== null || isPositive(row['open_count'])) add('opened', emailSent, times.opened);
  if (times.clicked !== null || isPositive(row['click_count'])) add('clicked', emailSent, times.clicked);
  if (times.replied !== null && email !== null) add('replied', replyIdentity(email, times.replied), times.replied);
  if (row['is_bounced'] === true) add('bounced', emailSent, null);
  if (unsubscribed && email !== null) add('unsubscribed', leadOnlyIdentity(email), null);
  return { kind: 'facts', ids, campaignId: readText(campaign.id), campaignName: readText(campaign.name), facts };
}

function readTimes(row: Row): RowTimes | Rejection {
  const sent = readTime(row['sent_time']);
  if (sent === 'missing') return reject(rejectCodes.timeMissing, 'sent_time is missing', '/sent_time');
  if (sent === 'unreadable') return unreadable('sent_time');
  const opened = readTime(row['open_time']);
  if (opened === 'unreadable') return unreadable('open_time');
  const clicked = readTime(row['click_time']);
  if (clicked === 'unreadable') return unreadable('click_time');
  const replied = readTime(row['reply_time']);
  if (replied === 'unreadable') return unreadable('reply_time');
  return {
    sent,
    opened: opened === 'missing' ? null : opened,
    clicked: clicked === 'missing' ? null : clicked,
    replied: replied === 'missing' ? null : replied - (replied % 1_000),
  };
}

function sentEmailIdentity(ids: RecordIds, sequenceNumber: number | null, sent: number): FactIdentity | null {
  if (ids.sourceId !== null) return idIdentity(ids.sourceId);
  if (ids.email === null || sequenceNumber === null) return null;
  return statsIdentity(ids.email, sequenceNumber, sent);
}

function isPositive(count: unknown): boolean {
  return (readCount(count) ?? 0) > 0;
}

function unreadable(field: string): Rejection {
  return reject(rejectCodes.timeUnreadable, `${field} cannot be read as a time`, `/${field}`);
}

function identityMissing(field: string, what: string): Rejection {
  return reject(rejectCodes.identityMissing, `the row has no identity: ${what}`, `/${field}`);
}
