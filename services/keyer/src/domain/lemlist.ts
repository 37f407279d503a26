import {
  emailTimeIdentity,
  fingerprint,
  idIdentity,
  readId,
  readIds,
  readText,
  readTime,
  snakeCaseType,
} from '@full-sync/schemas';
import { reject, rejectCodes } from './facts.ts';
import type { RecordFacts, Rejection } from './facts.ts';

/**
 * The one event of a Lemlist activity (docs/events.md, Lemlist). Campaign and lead are the record's own, whatever walk fetched
 * it, so that the key does not depend on the walk (I2); `name` is the campaign's older field name (Lemlist fact sheet,
 * section 5.1) and heeded only beside a `campaignId`.
 */
export function factOfActivity(activity: Readonly<Record<string, unknown>>): RecordFacts | Rejection {
  const sourceType = readText(activity['type']);
  const eventType = snakeCaseType(sourceType ?? '');
  if (sourceType === null || eventType === '') {
    return reject(rejectCodes.platformField, 'type is missing or holds no letter or digit', '/type');
  }
  const createdAt = readTime(activity['createdAt']);
  if (createdAt === 'missing') return reject(rejectCodes.timeMissing, 'createdAt is missing', '/createdAt');
  if (createdAt === 'unreadable') {
    return reject(rejectCodes.timeUnreadable, 'createdAt cannot be read as a time', '/createdAt');
  }
  const ids = readIds('lemlist', activity);
  const lead = ids.email ?? ids.leadId;
  if (ids.sourceId === null && lead === null) {
    return reject(
      rejectCodes.identityMissing,
      'the activity has no identity: neither _id nor leadEmail, leadId or contactId',
      '/_id',
    );
  }
  const campaignId = readId(activity['campaignId']);
  const fact = {
    eventType,
    sourceType,
    identity: ids.sourceId === null ? emailTimeIdentity(lead ?? '', createdAt) : idIdentity(ids.sourceId),
    occurredAt: createdAt,
    approximate: false,
    fingerprint: fingerprint([ids.leadId ?? '', createdAt.toString()]),
  };
  const olderName = campaignId === null ? null : readText(activity['name']);
  return {
    kind: 'facts',
    ids,
    campaignId,
    campaignName: readText(activity['campaignName']) ?? olderName,
    facts: [fact],
  };
}
