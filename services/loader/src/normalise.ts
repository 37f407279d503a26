import { UndecodableError, schemaIdOf } from '@full-sync/kafka';
import type { Codec } from '@full-sync/kafka';
import { MalformedValueError } from './domain/avro-cursor.ts';

/**
 * Prepares a batch's values for transcoding: those of this release's schema pass as they are, others (the release
 * before or after, I8) are decoded and encoded again.
 */
export function createNormaliser(
  codec: Codec<'outreach.events'>,
): (values: readonly (Buffer | null)[]) => Promise<(value: Buffer | null) => Buffer> {
  return async (values) => {
    if (values.some((value) => schemaIdOf(value) !== codec.schemaId)) await codec.prepare(values);
    return (value) => {
      if (value !== null && schemaIdOf(value) === codec.schemaId) return value;
      try {
        return codec.encode(codec.decode(value));
      } catch (error) {
        if (error instanceof UndecodableError) throw new MalformedValueError(error.message);
        throw error;
      }
    };
  };
}
