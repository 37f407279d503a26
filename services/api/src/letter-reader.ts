import { UndecodableError } from '@full-sync/kafka';
import type { Codec, Serde } from '@full-sync/kafka';
import { topicNames } from '@full-sync/schemas';
import type { TopicName, TopicValues } from '@full-sync/schemas';
import type { ValueReader } from './domain/rebuild-raw.ts';

/** Reads what dead letters hold, whichever release wrote it. */
export interface LetterReader extends ValueReader {
  /** Fetches the schemas of the values; without it those of other releases are not read. */
  readonly prepare: (values: readonly Buffer[]) => Promise<void>;
}

export function createLetterReader(serde: Serde): LetterReader {
  const raw = serde.codec(topicNames.smartleadRaw);
  const event = serde.codec(topicNames.events);
  return {
    prepare: async (values) => {
      await raw.prepare(values);
      await event.prepare(values);
    },
    raw: (value) => decode(raw, value),
    event: (value) => decode(event, value),
  };
}

function decode<N extends TopicName>(codec: Codec<N>, value: Buffer): TopicValues[N] | null {
  try {
    return codec.decode(value);
  } catch (error) {
    if (error instanceof UndecodableError) return null;
    throw error;
  }
}
