import type { Dashboard } from '../model.ts';
import { deadLetters } from './dead-letters.ts';
import { destinations } from './destinations.ts';
import { job } from './job.ts';
import { loader } from './loader.ts';
import { overview } from './overview.ts';
import { pipeline } from './pipeline.ts';
import { upstreams } from './upstreams.ts';

/** All dashboards but the runbook, in the order in which they are read. */
export const dashboards: readonly Dashboard[] = [overview, pipeline, job, upstreams, loader, destinations, deadLetters];
