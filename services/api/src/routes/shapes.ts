import Type from 'typebox';
import type { ShownJob } from '../show-job.ts';

/** The shapes of answers that several routes give. */

const counts = {
  total_processed: Type.Integer({ description: 'The same as events_derived.' }),
  records_fetched: Type.Integer({ description: 'records_accepted + rejected' }),
  records_accepted: Type.Integer(),
  rejected: Type.Integer({ description: 'Records that could not become events; each is in the dead letters.' }),
  events_derived: Type.Integer({ description: 'events_created + duplicates + collisions + dead_lettered' }),
  events_created: Type.Integer({ description: 'Rows written to event_source.' }),
  duplicates: Type.Integer({ description: 'Events that were there already.' }),
  collisions: Type.Integer({ description: 'Events whose key belongs to another fact; kept in event_collisions.' }),
  dead_lettered: Type.Integer({
    description: 'Events that a later stage could not store; each is in the dead letters.',
  }),
  users_processed: Type.Integer({ description: 'Distinct leads; counted when the job ends.' }),
  errors: Type.Integer({ description: 'rejected + dead_lettered + failed streams' }),
};

const summary = Type.Object({
  ...counts,
  replayed: Type.Integer({
    description: "Of the job's dead letters, those that were replayed and stored since; the other counts stay.",
  }),
  duration_ms: Type.Integer({ minimum: 1 }),
  by_platform: Type.Record(Type.String(), Type.Object(counts)),
});

const progress = Type.Object({
  percentage: Type.Integer({
    minimum: 0,
    maximum: 100,
    description: 'Never falls; 100 only when every row of the job is committed.',
  }),
  processed_items: Type.Integer({ description: 'Records that are committed in Postgres.' }),
  total_items: Type.Integer({ description: 'Records known so far; grows while campaigns are discovered.' }),
  current_stage: Type.String({
    description:
      'discovering, processing_smartlead_activities, processing_lemlist_activities, keying, loading, finalizing; of a job that is not running its status.',
  }),
  eta_minutes: Type.Number({ minimum: 0 }),
  stages: Type.Record(Type.String(), Type.Object({ done: Type.Integer(), total: Type.Integer() })),
  waiting_for: Type.Union([Type.String(), Type.Null()], {
    description: 'What the job waits for and since when; null while it moves.',
  }),
});

const destinations = Type.Record(
  Type.String(),
  Type.Object({
    sent: Type.Integer({ description: 'Accepted by the destination.' }),
    skipped: Type.Integer({ description: 'Sent before, not meant for it, or of a namespace without credentials.' }),
    failed: Type.Integer({ description: 'Refused by the destination for their own fault; in the dead letters.' }),
    waiting: Type.Integer({ description: 'Not settled yet.' }),
  }),
  { description: "The job's events by what became of them at each destination; live, also after the job has ended." },
);

const nullableTime = Type.Union([Type.String({ format: 'date-time' }), Type.Null()]);

export const jobStatuses = ['queued', 'in_progress', 'paused', 'completed', 'failed', 'cancelled'] as const;
export const syncModes = ['full_historical', 'delta_since_last', 'date_range', 'namespace_reset'] as const;
/** What jobs are made of: a replay of dead letters is one, too. */
export const jobModes = [...syncModes, 'replay'] as const;

const job = Type.Object({
  jobId: Type.String(),
  status: Type.Enum([...jobStatuses]),
  progress,
  summary,
  destinations,
  error: Type.Union([
    Type.Object({ code: Type.String(), message: Type.String(), details: Type.Array(Type.String()) }),
    Type.Null(),
  ]),
  config: Type.Object({}, { additionalProperties: true }),
  warnings: Type.Array(Type.String()),
  created_at: Type.String({ format: 'date-time' }),
  started_at: nullableTime,
  completed_at: nullableTime,
  duration_ms: Type.Integer({ minimum: 1 }),
});

/** A job as `showJob` makes it. */
export const jobShape = Type.Unsafe<ShownJob>(job);

/** The data of one event about a job. */
export const jobEventShape = Type.Object(
  { jobId: Type.String(), status: Type.Enum([...jobStatuses]), progress, summary },
  { description: 'The data of one event, as JSON.' },
);

/** A job after a wish was granted. */
export const grantedShape = Type.Unsafe<ShownJob & { readonly success: true }>(
  Type.Object({ success: Type.Literal(true), ...job.properties }),
);

/** An error answer: RFC 9457 and what the guide's scripts read. */
const problemShape = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    success: Type.Literal(false),
    error: Type.String(),
    code: Type.String(),
    errors: Type.Optional(Type.Array(Type.Object({ pointer: Type.String(), message: Type.String() }))),
  },
  { additionalProperties: true },
);

/** The `response` entry for the error statuses given. */
export function problems(...statuses: readonly number[]): Record<number, object> {
  const answer = {
    description: 'A problem (RFC 9457)',
    content: { 'application/problem+json': { schema: problemShape } },
  };
  return Object.fromEntries(statuses.map((status) => [status, answer]));
}
