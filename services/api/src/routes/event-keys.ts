import { readKeyTotals, readStoredFact } from '@full-sync/database';
import { ProducerDeadError } from '@full-sync/kafka';
import { eventKey, identityKinds, platforms } from '@full-sync/schemas';
import Type from 'typebox';
import type { ApiContext } from '../context.ts';
import { isAnotherFact, readKeyRequest } from '../domain/key-request.ts';
import { shareOf } from '../domain/live-gauges.ts';
import { ApiError, summaryOf } from '../errors.ts';
import type { ApiServer } from '../api-server.ts';
import { problems } from './shapes.ts';

const strict = { additionalProperties: false };
const id = (description: string) =>
  Type.Optional(
    Type.Union([Type.String({ maxLength: 1_000 }), Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })], {
      description: `${description}: a text of up to 1000 characters or a whole number`,
    }),
  );

const generateBody = Type.Object(
  {
    platform: Type.Enum([...platforms], { description: `one of ${platforms.join(', ')}` }),
    eventType: Type.String({ maxLength: 200, description: 'the type of the event, in any spelling' }),
    namespace: Type.Optional(
      Type.String({ pattern: '^[a-z0-9_-]{1,63}$', description: 'a namespace: [a-z0-9_-], 1 to 63 characters' }),
    ),
    campaignId: id('the campaign'),
    activityId: id("the source's own id of the fact"),
    leadId: id('the lead'),
    email: Type.Optional(Type.String({ maxLength: 1_000, description: 'the email of the lead' })),
    timestamp: Type.Optional(
      Type.String({ maxLength: 100, description: 'the time of the fact, such as 2024-01-15T10:30:00Z' }),
    ),
    sequenceNumber: Type.Optional(
      Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: 'a whole number' }),
    ),
    kind: Type.Optional(
      Type.Enum([...identityKinds], {
        description: `one of ${identityKinds.join(', ')}; without it id with an activityId, else email-time`,
      }),
    ),
  },
  strict,
);

const generated = Type.Object({
  success: Type.Literal(true),
  event_key: Type.String(),
  collision_detected: Type.Boolean({
    description: 'True when the key belongs to a stored fact with another email or time.',
  }),
  generation_stats: Type.Object({
    kind: Type.Enum([...identityKinds]),
    event_type: Type.String({ description: 'As it went into the key.' }),
    namespace: Type.String(),
    already_stored: Type.Boolean({ description: 'Whether an event with this key is stored.' }),
    generation_time_ms: Type.Number(),
    total_generated: Type.Integer({ description: 'Keys of all syncs; this one is not counted.' }),
    collisions_detected: Type.Integer(),
  }),
});

const count = (description: string) => Type.Integer({ minimum: 0, description });
const rate = (description: string) => Type.Number({ minimum: 0, maximum: 1, description });

const stats = Type.Object({
  total_generated: count('Keys that all keyers ever made and loading has settled.'),
  duplicates: count('Those of them whose event was stored already.'),
  collisions_detected: count('Those of them that belong to another stored fact.'),
  invalid_inputs: count('Records that no key could be made of; each is in the dead letters.'),
  cache_size: count('Keys that the keyers running now remember.'),
  cache_hit_rate: rate('Keys remembered of those looked up, since the keyers running now began.'),
  collision_rate: rate('collisions_detected of total_generated'),
  duplicate_rate: rate('duplicates of total_generated'),
  generation_rate: rate('Records that gave keys, of those that were keyed or are invalid.'),
  keys_per_second: Type.Number({ minimum: 0, description: 'Keys that the keyers make now.' }),
  keyers: count('Keyers heard of within the last 30 s.'),
});

/** Making single keys, and what the keyers have done. */
export function registerEventKeys(app: ApiServer, { db, keyers, logger }: ApiContext): void {
  app.route({
    method: 'POST',
    url: '/api/event-keys/generate',
    config: { scope: 'keys:write', invalidCode: 'KEY_001' },
    schema: {
      tags: ['event-keys'],
      summary: 'The key of a fact, made by the function that the keyer uses',
      description:
        'Nothing is stored. The kind of identity is "id" with an activityId, else "email-time", which needs a timestamp and an email or leadId; "kind" asks for another.',
      operationId: 'generateEventKey',
      body: generateBody,
      response: { 200: generated, ...problems(400, 403, 413, 500, 503) },
    },
    handler: async (request) => {
      const reading = readKeyRequest(request.body);
      if (!reading.ok) throw new ApiError('KEY_001', summaryOf(reading.faults), { faults: reading.faults });
      const { identity } = reading.fact;
      const startedAtMs = performance.now();
      const key = keyOf(identity);
      const tookMs = performance.now() - startedAtMs;
      const { namespace, platform, kind, eventType } = identity;
      const [stored, totals] = await Promise.all([
        readStoredFact(db.pool, { namespace, platform, eventKey: key }),
        readKeyTotals(db.pool),
      ]);
      return {
        success: true as const,
        event_key: key,
        collision_detected: stored !== null && isAnotherFact(stored, reading.fact),
        generation_stats: {
          kind,
          event_type: eventType,
          namespace,
          already_stored: stored !== null,
          generation_time_ms: tookMs,
          total_generated: totals.generated,
          collisions_detected: totals.collisions,
        },
      };
    },
  });

  app.route({
    method: 'GET',
    url: '/api/event-keys/stats',
    config: { scope: 'keys:read' },
    schema: {
      tags: ['event-keys'],
      summary: 'What the keyers have made, and what they do now',
      description:
        'Totals and rates are counted in the transactions that store the rows, over all keyers and their restarts. cache_size, cache_hit_rate and keys_per_second are those of the keyers running now.',
      operationId: 'getEventKeyStats',
      response: { 200: Type.Object({ success: Type.Literal(true), stats }), ...problems(403, 503) },
    },
    handler: async () => {
      const totals = await readKeyTotals(db.pool);
      const live = keyers.live();
      return {
        success: true as const,
        stats: {
          total_generated: totals.generated,
          duplicates: totals.duplicates,
          collisions_detected: totals.collisions,
          invalid_inputs: totals.invalidInputs,
          cache_size: live.cacheSize,
          cache_hit_rate: live.cacheHitRate,
          collision_rate: shareOf(totals.collisions, totals.generated),
          duplicate_rate: shareOf(totals.duplicates, totals.generated),
          generation_rate: shareOf(totals.recordsAccepted, totals.recordsAccepted + totals.invalidInputs),
          keys_per_second: live.keysPerSecond,
          keyers: live.copies,
        },
      };
    },
  });

  app.route({
    method: 'POST',
    url: '/api/event-keys/clear-cache',
    config: { scope: 'keys:write' },
    schema: {
      tags: ['event-keys'],
      summary: 'Let every keyer forget the keys that it remembers',
      description: 'Changes no key and nothing that is stored: the memory only tells repeats early.',
      operationId: 'clearEventKeyCache',
      body: Type.Object({}, strict),
      response: {
        200: Type.Object({
          success: Type.Literal(true),
          previous_cache_size: count('Keys that the keyers remembered.'),
          keyers: count('Keyers that were told.'),
          keyers_cleared: count('Those that had confirmed it within 3 s; the others do it when they are back.'),
        }),
        ...problems(403, 413, 503),
      },
    },
    // The guide's call has no body.
    preValidation: async (request) => {
      request.body ??= {};
    },
    handler: async () => {
      const cleared = await orderClearing();
      logger.info(cleared, 'key caches cleared');
      return {
        success: true as const,
        previous_cache_size: cleared.previousSize,
        keyers: cleared.copies,
        keyers_cleared: cleared.confirmed,
      };
    },
  });

  async function orderClearing() {
    try {
      return await keyers.clearCaches();
    } catch (error) {
      if (!isBrokerFailure(error)) throw error;
      logger.warn({ err: error }, 'the broker did not take an order');
      throw new ApiError('KEY_003', 'The broker does not take the order; try again.', {
        headers: { 'retry-after': '5' },
      });
    }
  }
}

function keyOf(identity: Parameters<typeof eventKey>[0]): string {
  try {
    return eventKey(identity);
  } catch (error) {
    throw new ApiError('KEY_002', 'The key could not be made.', { cause: error });
  }
}

function isBrokerFailure(error: unknown): boolean {
  return error instanceof ProducerDeadError || (error instanceof Error && error.name.startsWith('KafkaJS'));
}
