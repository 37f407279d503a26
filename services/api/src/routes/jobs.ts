import { createHash } from 'node:crypto';
import { listJobs, readJob } from '@full-sync/database';
import type { JobCursor } from '@full-sync/database';
import { platforms } from '@full-sync/schemas';
import Type from 'typebox';
import type { ApiContext } from '../context.ts';
import { matchesEtag } from '../domain/entity-tag.ts';
import { isJobId } from '../domain/job-id.ts';
import { ApiError, noSuchJob } from '../errors.ts';
import { readDestinations } from '../show-destinations.ts';
import type { ApiServer } from '../api-server.ts';
import { showJob } from '../show-job.ts';
import type { ShownJob } from '../show-job.ts';
import { jobModes, jobShape, jobStatuses, problems } from './shapes.ts';

const historyQuery = Type.Object(
  {
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 100, default: 20, description: 'a whole number, 1 to 100' }),
    ),
    cursor: Type.Optional(Type.String({ maxLength: 200, description: 'the next_cursor of the page before' })),
    status: Type.Optional(Type.Enum([...jobStatuses], { description: `one of ${jobStatuses.join(', ')}` })),
    syncMode: Type.Optional(Type.Enum([...jobModes], { description: `one of ${jobModes.join(', ')}` })),
    platform: Type.Optional(Type.Enum([...platforms], { description: `one of ${platforms.join(', ')}` })),
    namespace: Type.Optional(Type.String({ pattern: '^[a-z0-9_-]{1,63}$', description: 'a namespace' })),
  },
  { additionalProperties: false },
);

/** Seconds that a poller is asked to wait while the job runs. */
const pollAfterSeconds = '1';

/** Following one job, and the jobs of the past. */
export function registerJobs(app: ApiServer, { db, clock }: ApiContext): void {
  app.route({
    method: 'GET',
    url: '/api/full-sync/status/:jobId',
    config: { scope: 'sync:read', limited: false },
    schema: {
      tags: ['full-sync'],
      summary: 'How far a job is, and its summary',
      operationId: 'getFullSyncStatus',
      params: Type.Object({ jobId: Type.String() }),
      response: {
        200: jobShape,
        304: { description: 'Nothing changed since the answer with this ETag' },
        ...problems(403, 404, 503),
      },
    },
    handler: async (request, reply) => {
      const { jobId } = request.params;
      const job = isJobId(jobId) ? await readJob(db.pool, jobId) : null;
      if (job === null) throw noSuchJob(jobId);
      const destinations = await readDestinations(db.pool, [job.jobId]);
      const shown = showJob(job, clock.now(), destinations(job.jobId));
      const etag = etagOf(shown);
      reply.header('etag', etag).header('cache-control', 'no-cache');
      if (job.completedAt === null) reply.header('retry-after', pollAfterSeconds);
      if (matchesEtag(request.headers['if-none-match'], etag)) return await reply.code(304).send();
      return shown;
    },
  });

  app.route({
    method: 'GET',
    url: '/api/full-sync/history',
    config: { scope: 'sync:read' },
    schema: {
      tags: ['full-sync'],
      summary: 'The jobs, newest first',
      operationId: 'getFullSyncHistory',
      querystring: historyQuery,
      response: {
        200: Type.Object({ jobs: Type.Array(jobShape), next_cursor: Type.Union([Type.String(), Type.Null()]) }),
        ...problems(400, 403, 503),
      },
    },
    handler: async (request) => {
      const { limit = 20, cursor, ...filter } = request.query;
      const page = await listJobs(db.pool, { limit, cursor: cursor === undefined ? null : readCursor(cursor), filter });
      const now = clock.now();
      const destinations = await readDestinations(
        db.pool,
        page.jobs.map(({ jobId }) => jobId),
      );
      return {
        jobs: page.jobs.map((job) => showJob(job, now, destinations(job.jobId))),
        next_cursor: page.next === null ? null : writeCursor(page.next),
      };
    },
  });
}

/** Weak: the time so far of a running job is left out, all else is in it. */
function etagOf({ summary, duration_ms: _, ...rest }: ShownJob): string {
  const { duration_ms: _soFar, ...counts } = summary;
  const state = JSON.stringify([rest, counts]);
  return `W/"${createHash('sha256').update(state).digest('base64url').slice(0, 22)}"`;
}

function writeCursor({ createdAtMicros, jobId }: JobCursor): string {
  return Buffer.from(`${createdAtMicros}.${jobId}`).toString('base64url');
}

function readCursor(text: string): JobCursor {
  const [, createdAtMicros, jobId] = /^(\d{1,16})\.(job_[0-9a-z]{1,60})$/.exec(
    Buffer.from(text, 'base64url').toString('latin1'),
  ) ?? [undefined, undefined, undefined];
  if (createdAtMicros === undefined || jobId === undefined) {
    const faults = [{ pointer: '/cursor', message: 'is not a next_cursor of this endpoint' }];
    throw new ApiError('API_004', '/cursor: is not a next_cursor of this endpoint', { faults });
  }
  return { createdAtMicros, jobId };
}
