import type { Database } from '@full-sync/database';
import type { Logger } from '@full-sync/runtime';
import { preflight, recallWorkspace } from './preflight.ts';
import type { Workspace } from './workspaces.ts';

const lookEveryMs = 300_000;
/** After an answer that contradicts what was seen, and while there is nothing to write. */
const lookSoonMs = 5_000;
/** Between two probes of a workspace that refuses everything: doubled from the first to the last. */
const probe = { firstMs: 5_000, lastMs: 60_000 };

/** What is known of a workspace's state: whether people can be written, and whether it refuses everything. */
export interface WorkspaceWatch {
  /**
   * Whether to write; false while the attributes are not known yet, none is there, and between two probes. Looks at them
   * when it is time, which is noted in Postgres for all copies.
   */
  readonly mayWrite: () => Promise<boolean>;
  readonly halted: boolean;
  /** Whether events are to be written one by one as well, now. */
  readonly activities: boolean;
  /** Notes that activities are not accepted; they wait until the next look. */
  readonly withoutActivities: (detail: string) => void;
  /** Notes that nothing is accepted until somebody mends something. */
  readonly halt: (why: { readonly code: string; readonly detail: string }) => void;
  readonly works: () => void;
  /** Attio does not know an attribute that was there. */
  readonly lookAgain: (detail: string) => void;
}

export function createWorkspaceWatch(parts: {
  readonly db: Database;
  readonly workspace: Workspace;
  readonly logger: Logger;
  /** Whether events are to be written one by one, where the workspace takes them. */
  readonly activities: boolean;
  /** Ms that only grow. */
  readonly now: () => number;
  readonly onHalt: (why: { readonly code: string; readonly detail: string }) => void;
  readonly onWorks: () => void;
}): WorkspaceWatch {
  const { db, workspace, logger, now } = parts;
  let known = false;
  let activities = false;
  let said = '';
  let lookedAtMs = Number.NEGATIVE_INFINITY;
  let lookAtMs = 0;
  let halted: { readonly probes: number; readonly untilMs: number } | null = null;

  const halt = (why: { readonly code: string; readonly detail: string }): void => {
    // Several writes may have been under way: together they are one probe.
    if (halted !== null && now() < halted.untilMs) return;
    const probes = halted === null ? 0 : halted.probes + 1;
    halted = { probes, untilMs: now() + Math.min(probe.lastMs, probe.firstMs * 2 ** probes) };
    parts.onHalt(why);
  };
  const works = (): void => {
    if (halted === null) return;
    halted = null;
    parts.onWorks();
  };
  const look = async (): Promise<void> => {
    const seen = await preflight(db, workspace, { activities: parts.activities });
    lookedAtMs = now();
    lookAtMs = lookedAtMs + lookEveryMs;
    if (seen.kind === 'halt') {
      known = false;
      lookAtMs = now() + lookSoonMs;
      halt(seen);
      return;
    }
    if (seen.kind === 'unknown') {
      // What was there is still written, before a restart as well: Attio says so if it is gone.
      lookAtMs = now() + (seen.afterMs ?? lookSoonMs);
      if (known || halted !== null) return;
      const before = await recallWorkspace(db, workspace.targetId);
      known = before !== null;
      activities = parts.activities && before?.activities === true;
      return;
    }
    if (!known && halted !== null) works();
    known = true;
    activities = seen.activities?.usable === true;
    const withoutThem = seen.activities?.usable === false ? [`activities: ${seen.activities.detail}`] : [];
    const problems = [...seen.report.problems]
      .map(([slug, problem]) => `${slug} is ${problem}`)
      .concat(withoutThem)
      .join(', ');
    if (problems !== said && problems !== '') logger.warn({ target: workspace.name, problems }, 'attributes left out');
    said = problems;
  };

  return {
    mayWrite: async () => {
      const rests = (): boolean => halted !== null && now() < halted.untilMs;
      if (rests()) return false;
      // Once before each probe: while that is under way, or Attio asked for time, there is nothing new to see.
      if (now() >= lookAtMs || (halted !== null && lookedAtMs < halted.untilMs)) await look();
      return known && !rests();
    },
    get halted() {
      return halted !== null;
    },
    get activities() {
      return activities;
    },
    withoutActivities: (detail) => {
      if (activities) logger.error({ target: workspace.name, detail }, 'activities are not accepted');
      activities = false;
    },
    halt,
    works,
    lookAgain: (detail) => {
      const soonMs = Math.max(now(), lookedAtMs + lookSoonMs);
      if (lookAtMs <= soonMs) return;
      logger.warn({ target: workspace.name, detail }, 'attributes have changed');
      lookAtMs = soonMs;
    },
  };
}
