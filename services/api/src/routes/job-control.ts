import { changeJob } from '@full-sync/database';
import Type from 'typebox';
import type { ApiContext } from '../context.ts';
import { decideWish } from '../domain/job-control.ts';
import type { JobWish } from '../domain/job-control.ts';
import { isJobId } from '../domain/job-id.ts';
import { ApiError, noSuchJob } from '../errors.ts';
import { readDestinations } from '../show-destinations.ts';
import type { ApiServer } from '../api-server.ts';
import { showJob } from '../show-job.ts';
import { grantedShape, problems } from './shapes.ts';

const wishes = [
  {
    wish: 'cancel',
    method: 'DELETE',
    url: '/api/full-sync/cancel/:jobId',
    operationId: 'cancelFullSync',
    summary: 'End a job: nothing more is read, what was published is still loaded',
  },
  {
    wish: 'pause',
    method: 'POST',
    url: '/api/full-sync/:jobId/pause',
    operationId: 'pauseFullSync',
    summary: 'Hold a job: nothing more is read, its namespaces stay its own',
  },
  {
    wish: 'resume',
    method: 'POST',
    url: '/api/full-sync/:jobId/resume',
    operationId: 'resumeFullSync',
    summary: 'Let a paused job go on',
  },
] as const;

/** Nothing is asked for beside the job: a body is none, or empty. */
const noFields = Type.Object({}, { additionalProperties: false });

/** Cancelling, pausing and resuming a job; each may be repeated without harm. */
export function registerJobControl(app: ApiServer, { db, clock, logger }: ApiContext): void {
  for (const { wish, method, url, operationId, summary } of wishes) {
    app.route({
      method,
      url,
      config: { scope: 'sync:execute' },
      schema: {
        tags: ['full-sync'],
        summary,
        operationId,
        params: Type.Object({ jobId: Type.String() }),
        ...(method === 'POST' ? { body: noFields } : {}),
        response: { 200: grantedShape, ...problems(403, 404, 409, 503) },
      },
      preValidation: async (request) => {
        if (method === 'POST') request.body ??= {};
      },
      handler: async (request) => {
        const { jobId } = request.params;
        const job = isJobId(jobId)
          ? await changeJob(db, jobId, (state) =>
              changeFor(wish, {
                ...state,
                started: state.startedAt !== null,
                resumed: state.resumedAt !== null,
              }),
            )
          : null;
        if (job === null) throw noSuchJob(jobId);
        logger.info({ jobId, wish, status: job.status }, 'job controlled');
        const destinations = await readDestinations(db.pool, [job.jobId]);
        return { success: true as const, ...showJob(job, clock.now(), destinations(job.jobId)) };
      },
    });
  }
}

function changeFor(wish: JobWish, job: Parameters<typeof decideWish>[1]) {
  const outcome = decideWish(wish, job);
  switch (outcome.kind) {
    case 'granted':
      return null;
    case 'change':
      return { status: outcome.status, ending: outcome.ending };
    case 'refused':
      throw new ApiError('SYNC_005', `The job cannot be ${participles[wish]}: ${outcome.why}.`, {
        extra: { jobStatus: job.status },
      });
  }
}

const participles = { cancel: 'cancelled', pause: 'paused', resume: 'resumed' } as const;
