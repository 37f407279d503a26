import { decimal, duration, table } from './format.ts';
import { destinationCountNames } from './job.ts';
import type { Counts, Job } from './job.ts';

/** Rows of `event_source` by namespace and platform. */
export interface StoredRows {
  readonly namespace: string;
  readonly platform: string;
  readonly rows: number;
}

const lines: readonly (readonly [string, keyof Counts])[] = [
  ['records fetched', 'records_fetched'],
  ['  accepted', 'records_accepted'],
  ['  rejected', 'rejected'],
  ['events derived', 'events_derived'],
  ['  created', 'events_created'],
  ['  duplicates', 'duplicates'],
  ['  collisions', 'collisions'],
  ['  dead-lettered', 'dead_lettered'],
  ['leads', 'users_processed'],
  ['errors', 'errors'],
];

/** What a job that has ended came to: how it ended, its numbers by platform, and whether they balance. */
export function reportJob(job: Job, stored: readonly StoredRows[] | null): string {
  const parts = [`Job ${job.jobId} ${endingOf(job)} after ${duration(job.durationMs)}.`];
  if (job.error !== null) parts.push([job.error.message, ...job.error.details].map((line) => `  ${line}`).join('\n'));
  const platforms = job.byPlatform.map(([platform]) => platform);
  parts.push(
    table([
      ['', ...platforms, 'total'],
      ...lines.map(([title, name]) => [
        title,
        ...job.byPlatform.map(([, counts]) => decimal(counts[name])),
        decimal(job.counts[name]),
      ]),
    ]),
  );
  parts.push(
    `Reconciliation\n${reconcile(job, stored)
      .map((line) => `  ${line}`)
      .join('\n')}`,
  );
  const destinations = destinationsOf(job);
  if (destinations !== null) parts.push(destinations);
  if (job.warnings.length > 0) parts.push(`Warnings\n${job.warnings.map((warning) => `  ${warning}`).join('\n')}`);
  return parts.join('\n\n');
}

/** What destinations that the job was meant for have done by now; null where there is none. */
function destinationsOf({ destinations }: Job): string | null {
  const used = destinations.filter(([, counts]) => destinationCountNames.some((name) => counts[name] > 0));
  if (used.length === 0) return null;
  return table([
    ['destinations', ...destinationCountNames],
    ...used.map(([name, counts]) => [`  ${name}`, ...destinationCountNames.map((count) => decimal(counts[count]))]),
  ]);
}

function endingOf(job: Job): string {
  return job.status === 'cancelled' ? 'was cancelled' : job.status;
}

function reconcile({ counts }: Job, stored: readonly StoredRows[] | null): readonly string[] {
  const { records_accepted: accepted, rejected } = counts;
  const { events_created: created, duplicates, collisions, dead_lettered: deadLettered } = counts;
  const equations = [
    equation('records fetched', counts.records_fetched, [
      [accepted, 'accepted'],
      [rejected, 'rejected'],
    ]),
    equation('events derived', counts.events_derived, [
      [created, 'created'],
      [duplicates, 'duplicates'],
      [collisions, 'collisions'],
      [deadLettered, 'dead-lettered'],
    ]),
  ];
  if (stored === null) return equations;
  const total = stored.reduce((sum, { rows }) => sum + rows, 0);
  const leaves = stored.map(({ namespace, platform, rows }) => `${decimal(rows)} ${namespace}/${platform}`);
  return [...equations, `rows in event_source ${decimal(total)}${leaves.length > 0 ? ` = ${leaves.join(' + ')}` : ''}`];
}

function equation(name: string, whole: number, parts: readonly (readonly [number, string])[]): string {
  const total = parts.reduce((sum, [value]) => sum + value, 0);
  const right = parts.map(([value, title]) => `${decimal(value)} ${title}`).join(' + ');
  return `${name} ${decimal(whole)} = ${right}: ${total === whole ? 'holds' : `DOES NOT HOLD (${decimal(total)})`}`;
}
