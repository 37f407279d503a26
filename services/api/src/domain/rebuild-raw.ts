import { dataPartitions, isPlatform, leadIdentity, parseJson, partitionFor } from '@full-sync/schemas';
import type { OutreachEvent, Platform, RawRecord } from '@full-sync/schemas';

/** A letter to be published again, read from the topic's encoding where it is in one. */
export interface LetterContent {
  readonly stage: string;
  readonly record: Buffer;
  readonly failedAtMs: number;
  /** The upstream collection and campaign of the walk that read it; null where it is not known. */
  readonly walk: {
    readonly kind: string;
    readonly campaignId: string | null;
    readonly campaignName: string | null;
  } | null;
}

/** Reads values of the topics; null for what is none. */
export interface ValueReader {
  readonly raw: (value: Buffer) => RawRecord | null;
  readonly event: (value: Buffer) => OutreachEvent | null;
}

/** What a replayed record bears in place of its first envelope. */
export interface ReplayEnvelope {
  readonly job_id: string;
  readonly stream_id: number;
  readonly chunk: number;
  readonly namespace: string;
  readonly platform: string;
}

export interface RebuiltRecord {
  readonly kind: 'record';
  readonly platform: Platform;
  readonly raw: RawRecord;
  readonly key: string | null;
  readonly partition: number;
}

export type Rebuilt = RebuiltRecord | { readonly kind: 'fault'; readonly why: string };

/**
 * The raw record of a letter as a replay publishes it: what the extractor rejected is the record itself, what the keyer
 * rejected is the raw record with its envelope, and of a later stage's event the properties are the record. It is placed
 * as the extractor would place it. A pure function: a replay that is repeated publishes the same.
 */
export function rebuildRaw(letter: LetterContent, envelope: ReplayEnvelope, read: ValueReader): Rebuilt {
  const content = contentOf(letter, envelope, read);
  if ('kind' in content) return content;
  const { platform } = envelope;
  if (!isPlatform(platform)) return { kind: 'fault', why: `platform ${platform} is not known` };
  const key = identityOf(platform, content.record);
  const partition = partitionFor(key ?? Buffer.from(content.record), dataPartitions);
  return { kind: 'record', platform, raw: { ...content, ...envelope }, key, partition };
}

type Content = Omit<RawRecord, keyof ReplayEnvelope>;

function contentOf(
  { stage, record, failedAtMs, walk }: LetterContent,
  { platform }: ReplayEnvelope,
  read: ValueReader,
): Content | Extract<Rebuilt, { readonly kind: 'fault' }> {
  if (stage === 'extractor') {
    if (walk === null) return { kind: 'fault', why: 'the walk that read it is not known any more' };
    return {
      source: walk.kind,
      campaign_id: walk.campaignId,
      campaign_name: walk.campaignName,
      fetched_at: failedAtMs,
      record: record.toString('utf8'),
    };
  }
  if (stage === 'keyer') {
    const raw = read.raw(record);
    if (raw === null) return { kind: 'fault', why: 'it holds no raw record' };
    const { source, campaign_id, campaign_name, fetched_at } = raw;
    return { source, campaign_id, campaign_name, fetched_at, record: raw.record };
  }
  const event = read.event(record);
  if (event === null) return { kind: 'fault', why: 'it holds no event' };
  return {
    source: platform === 'smartlead' ? 'statistics' : 'activities',
    campaign_id: event.campaign_id,
    campaign_name: event.campaign_name,
    fetched_at: event.fetched_at,
    record: event.properties,
  };
}

/** Whom the record is about; one that cannot be read is about nobody, and the keyer says so once more. */
function identityOf(platform: Platform, record: string): string | null {
  try {
    return leadIdentity(platform, parseJson(record));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return null;
    throw error;
  }
}
