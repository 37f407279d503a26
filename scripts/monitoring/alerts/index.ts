import type { Alert } from '../model.ts';
import { data } from './data.ts';
import { destinations } from './destinations.ts';
import { jobs } from './jobs.ts';
import { pipeline } from './pipeline.ts';
import { processes } from './processes.ts';
import { upstreams } from './upstreams.ts';

/** All alerts, in the order in which the runbook has them. */
export const alerts: readonly Alert[] = [...processes, ...pipeline, ...jobs, ...upstreams, ...data, ...destinations];
