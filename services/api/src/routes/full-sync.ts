import Type from 'typebox';
import { storeAnswerWith } from '../answer-once.ts';
import { requireScope } from '../authenticate.ts';
import type { ApiContext } from '../context.ts';
import { parseExecuteRequest } from '../domain/execute-request.ts';
import { ApiError, summaryOf } from '../errors.ts';
import { forbiddenAddressOf } from '../outbound-address.ts';
import type { ApiServer } from '../api-server.ts';
import { submitJob } from '../submit-job.ts';
import type { SubmittedJob } from '../submit-job.ts';
import { problems, syncModes } from './shapes.ts';

const strict = { additionalProperties: false };

const list = (description: string) =>
  Type.Union([Type.String({ minLength: 1, maxLength: 10_000 }), Type.Array(Type.String(), { minItems: 1 })], {
    description,
  });

const rateLimit = Type.Object(
  {
    requestsPerSecond: Type.Number({ exclusiveMinimum: 0, maximum: 100_000, description: 'a number above 0' }),
    burstSize: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 1_000_000, description: 'a whole number, 1 or more' }),
    ),
    retryAttempts: Type.Optional(Type.Integer({ minimum: 0, maximum: 100, description: 'a whole number, 0 to 100' })),
  },
  strict,
);

const rateLimits = (description: string) =>
  Type.Union(
    [rateLimit, Type.Object({ smartlead: Type.Optional(rateLimit), lemlist: Type.Optional(rateLimit) }, strict)],
    { description },
  );

const executeBody = Type.Object(
  {
    platforms: list('a comma list or an array of smartlead, lemlist'),
    syncMode: Type.Enum([...syncModes], { description: `one of ${syncModes.join(', ')}` }),
    namespaces: Type.Optional(list('a comma list or an array of namespaces; the default is "default"')),
    startDate: Type.Optional(Type.String({ description: 'an ISO 8601 date or date-time' })),
    endDate: Type.Optional(Type.String({ description: 'an ISO 8601 date or date-time' })),
    batchSize: Type.Optional(
      Type.Union([Type.Integer({ minimum: 1, maximum: 10_000 }), Type.Literal('auto')], {
        description: 'a whole number, 1 to 10000, or "auto"',
      }),
    ),
    enableProgressTracking: Type.Optional(Type.Boolean({ description: 'true or false' })),
    enableMixpanelTracking: Type.Optional(Type.Boolean({ description: 'true or false' })),
    enableAttioSync: Type.Optional(Type.Boolean({ description: 'true or false' })),
    webhookUrl: Type.Optional(Type.String({ maxLength: 2_048, description: 'an http or https URL' })),
    parallelWorkers: Type.Optional(Type.Integer({ minimum: 1, maximum: 32, description: 'a whole number, 1 to 32' })),
    rateLimitOverride: Type.Optional(
      rateLimits('{requestsPerSecond, burstSize, retryAttempts?}, or one such object per platform'),
    ),
    rateLimitConfig: Type.Optional(rateLimits('another name of rateLimitOverride')),
    dateRange: Type.Optional(
      Type.Object(
        {
          chunkSize: Type.Optional(
            Type.Integer({ minimum: 1, maximum: 3_660, description: 'days, a whole number, 1 to 3660' }),
          ),
          delay: Type.Optional(
            Type.Integer({ minimum: 0, maximum: 3_600_000, description: 'milliseconds, a whole number, 0 to 3600000' }),
          ),
        },
        { ...strict, description: '{chunkSize, delay}' },
      ),
    ),
  },
  strict,
);

const accepted = Type.Object({
  success: Type.Literal(true),
  jobId: Type.String(),
  config: Type.Object({}, { additionalProperties: true }),
  estimatedDuration: Type.String(),
  progressUrl: Type.String(),
  warnings: Type.Array(Type.String()),
});

/** Starting a sync. */
export function registerFullSync(app: ApiServer, context: ApiContext): void {
  app.route({
    method: 'POST',
    url: '/api/full-sync/execute',
    config: { scope: 'sync:execute', invalidCode: 'SYNC_001' },
    schema: {
      tags: ['full-sync'],
      summary: 'Start a sync',
      operationId: 'executeFullSync',
      body: executeBody,
      response: { 202: accepted, ...problems(400, 403, 409, 413, 503) },
    },
    handler: async (request, reply) => {
      if (request.body.syncMode === 'namespace_reset') requireScope(request.caller, 'sync:reset');
      const parsed = parseExecuteRequest(request.body, context.clock.now());
      if (!parsed.ok) throw new ApiError('SYNC_001', summaryOf(parsed.faults), { faults: parsed.faults });
      const { config } = parsed;
      await refusePrivateWebhook(context, config.webhookUrl);
      const answerFor = ({ jobId, warnings, estimatedDuration }: SubmittedJob) => {
        const progressUrl = `/api/full-sync/status/${jobId}`;
        const body = { success: true as const, jobId, config, estimatedDuration, progressUrl, warnings: [...warnings] };
        return { status: 202 as const, headers: { location: progressUrl }, body };
      };
      const submitted = await submitJob(context, parsed, async (client, job) => {
        await storeAnswerWith(client, request, answerFor(job));
      });
      const { status, headers, body } = answerFor(submitted);
      return await reply.code(status).headers(headers).send(body);
    },
  });
}

/** A webhook must not become a way into the network of the server. What its name means is looked at again when it is called. */
async function refusePrivateWebhook({ config }: ApiContext, webhookUrl: string | undefined): Promise<void> {
  if (webhookUrl === undefined || config.WEBHOOK_ALLOW_PRIVATE) return;
  const address = await forbiddenAddressOf(new URL(webhookUrl));
  if (address === null) return;
  const faults = [
    {
      pointer: '/webhookUrl',
      message: `leads to ${address}, which is not a public address (WEBHOOK_ALLOW_PRIVATE on the server allows it)`,
    },
  ];
  throw new ApiError('SYNC_001', summaryOf(faults), { faults });
}
