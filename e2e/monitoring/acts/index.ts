import type { Act } from '../stage.ts';
import { frozenBroker, lostRecords } from './broker.ts';
import { brokenSource, lockedTable, slowPostgres } from './data.ts';
import { failingDestination, refusedCredentials, refusedEvents } from './destinations.ts';
import { brokenApi, refusedKey } from './jobs.ts';
import { dyingKeyer, stalledLoader, stoppedApi, stoppedExtractor } from './stalls.ts';
import { failingUpstream, throttlingUpstream } from './upstreams.ts';

/** Everything that goes wrong, one after the other, and at once what does not get in each other's way. */
export const acts: readonly (readonly Act[])[] = [
  [stalledLoader()],
  [refusedCredentials()],
  [failingDestination()],
  [refusedEvents()],
  [refusedKey()],
  [throttlingUpstream()],
  [brokenApi()],
  [stoppedApi()],
  [frozenBroker()],
  [lostRecords(), stoppedExtractor()],
  [failingUpstream(), dyingKeyer()],
  [brokenSource()],
  [slowPostgres()],
  [lockedTable()],
];
