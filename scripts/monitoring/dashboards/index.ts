import type { Dashboard } from '../model.ts';
import { overview } from './overview.ts';

/** All dashboards but the runbook, in the order in which they are read. */
export const dashboards: readonly Dashboard[] = [overview];
