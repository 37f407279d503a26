import { readJobDestinations } from '@full-sync/database';
import type { JobDestination, Queryable } from '@full-sync/database';
import { destinationNames } from '@full-sync/schemas';

export interface ShownDestination {
  readonly sent: number;
  readonly skipped: number;
  readonly failed: number;
  readonly waiting: number;
}

/** By name; those that a job can ask for are always there, with zeros where it did not. */
export type ShownDestinations = Readonly<Record<string, ShownDestination>>;

const none: ShownDestination = { sent: 0, skipped: 0, failed: 0, waiting: 0 };

/** What destinations have done of these jobs by now, from committed state (I9); it goes on after a job has ended. */
export async function readDestinations(
  queryable: Queryable,
  jobIds: readonly string[],
): Promise<(jobId: string) => ShownDestinations> {
  const found = await readJobDestinations(queryable, jobIds);
  return (jobId) => showDestinations(found.get(jobId) ?? []);
}

function showDestinations(found: readonly JobDestination[]): ShownDestinations {
  const zeros = destinationNames.map((name) => [name, none] as const);
  const counted = found.map(
    ({ destination, sent, skipped, failed, waiting }) => [destination, { sent, skipped, failed, waiting }] as const,
  );
  return Object.fromEntries([...zeros, ...counted]);
}
