import { listLetters, readLetter } from '@full-sync/database';
import type { ReplaySelection } from '@full-sync/database';
import { platforms, stringifyJson } from '@full-sync/schemas';
import Type from 'typebox';
import { storeAnswerWith } from '../answer-once.ts';
import type { ApiContext } from '../context.ts';
import { ApiError } from '../errors.ts';
import type { ApiServer } from '../api-server.ts';
import { encodings, showLetter, showRecord } from '../show-letter.ts';
import { submitReplay } from '../submit-replay.ts';
import type { SubmittedReplay } from '../submit-replay.ts';
import { problems } from './shapes.ts';

const letterStatuses = ['open', 'replaying', 'replayed', 'superseded'] as const;
const strict = { additionalProperties: false };
const nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const letterId = (description: string) => Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description });

const letter = {
  id: Type.Integer(),
  status: Type.Enum([...letterStatuses], {
    description:
      'open; replaying; replayed: its record was replayed and stored; superseded: the replay failed, see superseded_by',
  }),
  stage: Type.String({ description: 'extractor, keyer, loader or api' }),
  code: Type.String(),
  detail: Type.String(),
  pointer: nullable(Type.String({ description: 'JSON pointer to the first fault' })),
  jobId: nullable(Type.String()),
  namespace: nullable(Type.String()),
  platform: nullable(Type.String()),
  event_key: nullable(Type.String({ description: 'The event it is about; null for letters about records.' })),
  origin: nullable(
    Type.Object({ topic: Type.String(), partition: nullable(Type.Integer()), offset: nullable(Type.Integer()) }),
  ),
  attempt: Type.Integer(),
  record_bytes: Type.Integer(),
  record_sha256: Type.String({ description: 'Of the whole record, hex.' }),
  truncated: Type.Boolean({ description: 'True when only the beginning of the record was kept.' }),
  failed_at: Type.String({ format: 'date-time' }),
  stored_at: Type.String({ format: 'date-time' }),
  replayJobId: nullable(Type.String({ description: 'The job that replayed it last.' })),
  superseded_by: nullable(Type.Integer({ description: 'The letter that came of the replay.' })),
};

/** No name of ours holds more, and Postgres cannot be asked for U+0000. */
const name = (description: string) => Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_.-]{1,100}$', description }));

const filters = {
  stage: name('a stage, such as keyer'),
  code: name('a code, such as TIME_UNREADABLE'),
  jobId: name('the id of a job'),
  platform: Type.Optional(Type.Enum([...platforms], { description: `one of ${platforms.join(', ')}` })),
  namespace: Type.Optional(Type.String({ pattern: '^[a-z0-9_-]{1,63}$', description: 'a namespace' })),
};

const listQuery = Type.Object(
  {
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 100, default: 20, description: 'a whole number, 1 to 100' }),
    ),
    cursor: Type.Optional(letterId('the next_cursor of the page before')),
    status: Type.Optional(Type.Enum([...letterStatuses], { description: `one of ${letterStatuses.join(', ')}` })),
    ...filters,
  },
  strict,
);

const force = Type.Optional(
  Type.Boolean({ description: 'true or false; true replays letters again that were replayed before' }),
);

const replayBody = Type.Union(
  [
    Type.Object(
      {
        ids: Type.Array(letterId('the id of a letter'), { minItems: 1, maxItems: 1_000 }),
        force,
      },
      strict,
    ),
    Type.Object({ filter: Type.Object(filters, { ...strict, minProperties: 1 }), force }, strict),
  ],
  { description: '{"ids": [1, 2]} with 1 to 1000 ids, or {"filter": {...}} with at least one field; and "force"' },
);

const replayAnswer = Type.Object({
  success: Type.Literal(true),
  jobId: nullable(Type.String({ description: 'The job that replays them; null when none is to be replayed.' })),
  replaying: Type.Integer(),
  refused: Type.Array(Type.Object({ id: Type.Integer(), code: Type.String(), message: Type.String() }), {
    description: 'Why the others are not replayed; of a filter, the first 100 too incomplete to be replayed.',
  }),
  more: Type.Boolean({
    description: 'True when the filter fits further letters: replay again when the job has ended.',
  }),
  progressUrl: nullable(Type.String()),
});

/** What could not be processed: listing, showing and replaying it. */
export function registerDeadLetters(app: ApiServer, context: ApiContext): void {
  const { db, letters } = context;
  app.route({
    method: 'GET',
    url: '/api/dead-letters',
    config: { scope: ['sync:read', 'dlq:replay'] },
    schema: {
      tags: ['dead-letters'],
      summary: 'The dead letters, newest first, without their records',
      operationId: 'listDeadLetters',
      querystring: listQuery,
      response: {
        200: Type.Object({ dead_letters: Type.Array(Type.Object(letter)), next_cursor: nullable(Type.String()) }),
        ...problems(400, 403, 503),
      },
    },
    handler: async (request) => {
      const { limit = 20, cursor = null, status, ...filter } = request.query;
      const page = await listLetters(db.pool, { limit, before: cursor, status, filter });
      return {
        dead_letters: page.letters.map(showLetter),
        next_cursor: page.next === null ? null : String(page.next),
      };
    },
  });

  app.route({
    method: 'GET',
    url: '/api/dead-letters/:id',
    // Records hold what people wrote and did.
    config: { scope: 'dlq:replay' },
    schema: {
      tags: ['dead-letters'],
      summary: 'One dead letter with its record',
      operationId: 'getDeadLetter',
      params: Type.Object({ id: Type.String() }),
      response: {
        200: Type.Object({
          ...letter,
          record_encoding: Type.Enum([...encodings], {
            description: "json: the record; avro: a topic's value, decoded; base64: its bytes",
          }),
          record: Type.Unknown(),
        }),
        ...problems(403, 404, 503),
      },
    },
    handler: async (request, reply) => {
      const { id } = request.params;
      const found = /^[1-9]\d{0,14}$/.test(id) ? await readLetter(db.pool, Number(id)) : null;
      if (found === null) throw new ApiError('DLQ_001', `There is no dead letter ${id.slice(0, 80)}.`);
      // Ids in records can be larger than a double holds.
      reply.type('application/json; charset=utf-8').serializer(stringifyJson);
      return { ...showLetter(found.letter), ...(await showRecord(found.letter, found.record, letters)) };
    },
  });

  app.route({
    method: 'POST',
    url: '/api/dead-letters/replay',
    config: { scope: 'dlq:replay' },
    schema: {
      tags: ['dead-letters'],
      summary: 'Publish the records of dead letters again, as a job of its own',
      description:
        'The job takes no namespace for itself, moves no cursor and can be followed, paused and cancelled as others can. A letter that was replayed is refused the next time, unless "force" is true; at most 10,000 letters of a filter are taken at once.',
      operationId: 'replayDeadLetters',
      body: replayBody,
      response: { 200: replayAnswer, 202: replayAnswer, ...problems(400, 403, 413, 503) },
    },
    handler: async (request, reply) => {
      const wanted = request.body;
      const selection: ReplaySelection =
        'ids' in wanted ? { kind: 'ids', ids: wanted.ids } : { kind: 'filter', filter: wanted.filter };
      const answerFor = ({ jobId, replaying, refused, more }: SubmittedReplay) => {
        const progressUrl = jobId === null ? null : `/api/full-sync/status/${jobId}`;
        const headers: Readonly<Record<string, string>> = progressUrl === null ? {} : { location: progressUrl };
        const body = { success: true as const, jobId, replaying, refused: [...refused], more, progressUrl };
        return { status: jobId === null ? (200 as const) : (202 as const), headers, body };
      };
      const submitted = await submitReplay(context, selection, wanted.force ?? false, async (client, replay) => {
        await storeAnswerWith(client, request, answerFor(replay));
      });
      const answer = answerFor(submitted);
      return await reply.code(answer.status).headers(answer.headers).send(answer.body);
    },
  });
}
