import { readJob } from '@full-sync/database';
import Type from 'typebox';
import type { ApiContext } from '../context.ts';
import { isJobId } from '../domain/job-id.ts';
import { readLastEventId } from '../domain/server-sent-event.ts';
import { noSuchJob } from '../errors.ts';
import { createJobFeed } from '../job-feed.ts';
import type { ApiServer } from '../api-server.ts';
import { jobEventShape, problems } from './shapes.ts';

const description = `Server-sent events. Each event's data is the state of the job as JSON; ids grow with every change, and the last event
carries the ending status, after which the stream ends. A client that connects again with Last-Event-ID gets the state of now
if that changed since; what lay between is left out. Comment lines keep idle connections open.`;

/** Following a job without asking for its status over and over. */
export function registerJobEvents(app: ApiServer, context: ApiContext): void {
  const feed = createJobFeed(context);
  // Before connections are waited for: these would not end by themselves.
  app.addHook('preClose', async () => {
    feed.stop();
  });

  app.route({
    method: 'GET',
    url: '/api/full-sync/:jobId/events',
    // Answering HEAD would open a stream that nobody reads.
    exposeHeadRoute: false,
    config: { scope: 'sync:read' },
    schema: {
      tags: ['full-sync'],
      summary: 'Follow a job as server-sent events',
      description,
      operationId: 'followFullSync',
      params: Type.Object({ jobId: Type.String() }),
      response: {
        200: { description: 'The events', content: { 'text/event-stream': { schema: jobEventShape } } },
        204: { description: 'The job has ended and the client has seen its last event: do not connect again' },
        ...problems(403, 404, 503),
      },
    },
    handler: async (request, reply) => {
      const { jobId } = request.params;
      const job = isJobId(jobId) ? await readJob(context.db.pool, jobId) : null;
      if (job === null) throw noSuchJob(jobId);
      const seen = readLastEventId(request.headers['last-event-id']);
      if (job.completedAt !== null && seen === job.revision) return await reply.code(204).send();
      return await reply
        .header('content-type', 'text/event-stream')
        .header('cache-control', 'no-cache, no-transform')
        // nginx holds answers back without this.
        .header('x-accel-buffering', 'no')
        .send(feed.follow(job, seen));
    },
  });
}
