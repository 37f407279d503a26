import { tally } from './tally.ts';
import type { DeliveryCounts } from './tally.ts';
import type { WantedEvent } from './wanted-event.ts';

/** Events of a piece of work by what is done with them. */
export interface Aside {
  /** To be delivered now, in their order. */
  readonly now: readonly WantedEvent[];
  /** To be set aside, in their order: their namespace is parked. */
  readonly parked: readonly WantedEvent[];
  /** What is set aside is open for the job that brought it. */
  readonly counts: readonly DeliveryCounts[];
}

/** Parts the events of parked namespaces from the others. */
export function leaveAside(events: readonly WantedEvent[], parkedNamespaces: ReadonlySet<string>): Aside {
  const isParked = ({ event }: WantedEvent): boolean => parkedNamespaces.has(event.namespace);
  const parked = events.filter(isParked);
  return {
    now: parked.length === 0 ? events : events.filter((one) => !isParked(one)),
    parked,
    counts: tally(parked.map(({ event }) => ({ jobId: event.job_id, outcome: 'open' as const }))),
  };
}
