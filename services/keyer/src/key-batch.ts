import { gapInside, OffsetGapError, publishDeadLetters } from '@full-sync/kafka';
import type { Codec, ConsumedBatch, ConsumedRecord, OutgoingRecord, Producer, Serde } from '@full-sync/kafka';
import type { Clock } from '@full-sync/runtime';
import { isPlatform, readWishes, topicNames, writeWishes } from '@full-sync/schemas';
import type { DeadLetter, StripOptions } from '@full-sync/schemas';
import { deriveEvents } from './domain/derive-events.ts';
import type { DerivedEvents } from './domain/derive-events.ts';
import type { SightingWindow } from './window.ts';
import type { KeyerMetrics } from './metrics.ts';
import { isRawTopic, keyerGroup, rawTopics } from './raw-topics.ts';
import type { RawTopic } from './raw-topics.ts';
import { decodeRaw, toKeyerLetter } from './read-record.ts';

/** Bounds of one send, which is one or two produce requests to one partition. */
const maxEventsPerSend = 2_000;
const maxBytesPerSend = 500_000;

export interface KeyBatchOptions {
  readonly producer: Producer;
  readonly serde: Serde;
  readonly strip: StripOptions;
  readonly window: SightingWindow;
  readonly metrics: KeyerMetrics;
  readonly clock: Pick<Clock, 'now'>;
}

/**
 * Keys one batch of one raw partition: publishes the events to the same partition of `outreach.events`, in order, then the
 * dead letters, and answers with the next offset once all of that is acknowledged (I1). A crash in between repeats the batch
 * with the same keys and positions, and readers drop the repeats by position.
 *
 * @throws OffsetGapError when an offset inside the batch is missing.
 * @throws ProducerDeadError when the broker did not acknowledge; the process must end.
 */
export function createKeyBatch(options: KeyBatchOptions): (batch: ConsumedBatch) => Promise<number> {
  const { producer, metrics, serde } = options;
  const rawCodecs = new Map<RawTopic, Codec<RawTopic>>(rawTopics.map((name) => [name, serde.codec(name)]));
  const eventCodec = serde.codec(topicNames.events);
  const deadLetterCodec = serde.codec(topicNames.deadLetters);
  const age = metrics.ageSeconds.series({});
  const noteAges = (records: readonly ConsumedRecord[], nowMs: number): void => {
    for (const { timestamp } of records) age.observe(Math.max(0, nowMs - timestamp) / 1_000);
  };
  return async (batch) => {
    const endTimer = metrics.batchSeconds.startTimer({});
    const { partition, topic } = batch;
    const gap = gapInside(batch.records);
    if (gap !== null) throw new OffsetGapError({ group: keyerGroup, topic, partition, ...gap });
    const codec = isRawTopic(topic) ? rawCodecs.get(topic) : undefined;
    if (!isRawTopic(topic) || codec === undefined) throw new Error(`${topic} is no raw topic`);
    await codec.prepare(batch.records.map(({ value }) => value));

    const letters: DeadLetter[] = [];
    let part: OutgoingRecord[] = [];
    let partBytes = 0;
    let withoutEvents = 0;
    const sendPart = async (): Promise<void> => {
      const lost = batch.lost();
      // Publishing on would do no harm, but another copy has this partition by now.
      if (lost !== undefined) throw lost;
      await producer.send(topicNames.events, part, maxEventsPerSend);
      metrics.events.inc({ topic }, part.length);
      part = [];
      partBytes = 0;
    };
    for (const record of batch.records) {
      const derived = deriveOrReject({ options, codec, batch, record });
      if ('code' in derived) {
        letters.push(derived);
        continue;
      }
      if (part.length + derived.events.length > maxEventsPerSend || partBytes >= maxBytesPerSend) await sendPart();
      if (derived.events.length === 0) withoutEvents += 1;
      noteSightings(options, partition, derived);
      // What its job wishes goes with the record to its events, and from there to the destinations.
      const headers = writeWishes(readWishes(record.headers));
      for (const event of derived.events) {
        const value = eventCodec.encode(event);
        // All events of a lead in a namespace have one key, and so keep their order (I4).
        const key = `${event.namespace}:${derived.lead}`;
        part.push(headers === undefined ? { partition, key, value } : { partition, key, value, headers });
        partBytes += value.length;
      }
    }
    if (part.length > 0) await sendPart();
    await publishDeadLetters(producer, deadLetterCodec, letters);

    metrics.records.inc({ topic, outcome: 'keyed' }, batch.records.length - letters.length - withoutEvents);
    metrics.records.inc({ topic, outcome: 'without_events' }, withoutEvents);
    metrics.records.inc({ topic, outcome: 'rejected' }, letters.length);
    noteAges(batch.records, options.clock.now());
    endTimer();
    return batch.lastOffset + 1;
  };
}

function deriveOrReject(work: {
  readonly options: KeyBatchOptions;
  readonly codec: Codec<RawTopic>;
  readonly batch: ConsumedBatch;
  readonly record: ConsumedRecord;
}): DerivedEvents | DeadLetter {
  const { options, codec, batch, record } = work;
  const decoded = decodeRaw(codec, record);
  const raw = 'kind' in decoded ? null : decoded;
  const derivation =
    'kind' in decoded
      ? decoded
      : deriveEvents({ raw: decoded, topicId: batch.topicId, offset: record.offset }, options.strip);
  if (derivation.kind === 'events') return derivation;
  return toKeyerLetter({ batch, record, raw, rejection: derivation, failedAt: options.clock.now() });
}

/** Counts what the window says of the keys; nothing else depends on it. */
function noteSightings(
  { window, metrics }: KeyBatchOptions,
  partition: number,
  { events, replacements }: DerivedEvents,
): void {
  if (replacements > 0) metrics.replacements.inc({}, replacements);
  for (const { event_key: key, fingerprint, platform } of events) {
    const sighting = window.see(partition, key, fingerprint);
    if (sighting !== 'first' && isPlatform(platform)) metrics.sightings.inc({ platform, sighting });
  }
}
