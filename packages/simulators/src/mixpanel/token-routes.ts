import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { checkEvent } from './check-event.ts';
import type { Surroundings } from './import-route.ts';
import { MOST_RECORDS, bodyOf } from './import-route.ts';
import type { ProjectState } from './project-state.ts';
import { WholeRefusal, readRecords } from './read-body.ts';

const TRACK_AGE_MS = 5 * 86_400_000;

interface Failed {
  readonly index: number;
  readonly message: string;
}

/** `/engage` and `/track` (fact sheet, sections 10 and 11): status 200 whatever was refused, a token in each record. */
export function tokenRoutes(app: FastifyInstance, around: Surroundings): void {
  app.post('/engage', async (request, reply) => {
    const withPlace = queryOf(request)['ip'] !== '0';
    return sendOutcome(
      request,
      reply,
      eachRecord(request, around, (record, state) => {
        const token = (record as { readonly $token?: unknown } | null)?.$token;
        if (typeof token !== 'string' || token === '') return "missing required value for '$token'";
        return state(token)?.profiles.apply(record, { at: around.now(), withPlace }) ?? null;
      }),
    );
  });

  app.post('/track', async (request, reply) =>
    sendOutcome(
      request,
      reply,
      eachRecord(request, around, (record, state) => {
        const properties = (
          record as { readonly properties?: { readonly token?: unknown; readonly time?: unknown } } | null
        )?.properties;
        if (typeof properties?.token !== 'string') return 'token, missing or empty';
        const found = state(properties.token);
        const now = around.now();
        const filled = { $insert_id: `generated-${now}-${found?.events.accepted ?? 0}`, time: now, ...properties };
        const checked = checkEvent(
          { ...(record as object), properties: filled },
          { settings: around.settings, now, isLatin1: false },
        );
        if (checked.kind === 'refused') return checked.fault.message;
        // Older ones are answered as if they had been stored.
        if (checked.kind === 'stored' && checked.event.time >= now - TRACK_AGE_MS) found?.events.add(checked.event);
        return null;
      }),
    ),
  );
}

/** A token of no project is no error: its records are taken and lost. */
function eachRecord(
  request: FastifyRequest,
  around: Surroundings,
  apply: (record: unknown, state: (token: string) => ProjectState | undefined) => string | null,
): { readonly failed: readonly Failed[]; readonly good: number } {
  const stateOf = (token: string): ProjectState | undefined =>
    around.states.find(({ project }) => project.token === token);
  const records = recordsOf(request, around);
  const failed = records.flatMap((record, index): readonly Failed[] => {
    const message = apply(record, stateOf);
    return message === null ? [] : [{ index, message }];
  });
  return { failed, good: records.length - failed.length };
}

function recordsOf(request: FastifyRequest, around: Surroundings): readonly unknown[] {
  const { 'content-type': type, 'content-encoding': encoding } = request.headers;
  // No encoding is documented here, not even gzip.
  if (encoding !== undefined && encoding !== 'identity') throw new WholeRefusal(400, 'request body cannot be parsed');
  const body = bodyOf(request);
  const data = type?.startsWith('application/x-www-form-urlencoded')
    ? Buffer.from(new URLSearchParams(body.toString()).get('data') ?? '')
    : body;
  const list = data.toString('latin1', 0, 1) === '{' ? Buffer.concat([Buffer.from('['), data, Buffer.from(']')]) : data;
  const limits = { bytes: around.settings.byteLimit, records: MOST_RECORDS };
  return readRecords(list, { encoding: undefined, type: 'application/json' }, limits).records;
}

function sendOutcome(
  request: FastifyRequest,
  reply: FastifyReply,
  outcome: { readonly failed: readonly Failed[]; readonly good: number },
): FastifyReply {
  const { failed, good } = outcome;
  const query = queryOf(request);
  const status = failed.length === 0 ? 1 : 0;
  if (query['strict'] === '1') {
    return reply.send({
      status,
      error: failed[0]?.message ?? null,
      num_good_events: good,
      ...(failed.length === 0 ? {} : { failed_records: failed }),
    });
  }
  if (query['verbose'] === '1' || query['verbose'] === '2') {
    return reply.send({ status, error: failed[0]?.message ?? null, num_good_events: good });
  }
  return reply.type('text/plain').send(good > 0 ? '1' : '0');
}

function queryOf(request: FastifyRequest): Readonly<Record<string, unknown>> {
  return (request.query ?? {}) as Readonly<Record<string, unknown>>;
}
