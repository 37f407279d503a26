import type { Alert } from '../model.ts';
import { processes } from './processes.ts';

/** All alerts, in the order in which the runbook has them. */
export const alerts: readonly Alert[] = [...processes];
