import { SimulatorControl } from '../core/control.ts';
import { PlatformGate, installGate } from '../core/platform.ts';
import type { SinkSimulator } from '../core/sink.ts';
import { sinkAccount } from '../core/sink.ts';
import { RollingBudget } from './budget.ts';
import type { StoredEvent } from './event-store.ts';
import { importRoute, wholeRefusals } from './import-route.ts';
import { mixpanelLines } from './ledger.ts';
import { mixpanelManners } from './manners.ts';
import type { MixpanelOptions, MixpanelProject, MixpanelSettings } from './options.ts';
import { DEFAULT_PROJECT, DEFAULT_SETTINGS, applySettings } from './options.ts';
import type { ProfileUpdate } from './profiles.ts';
import { ProjectState } from './project-state.ts';
import { tokenRoutes } from './token-routes.ts';

/** Far above any limit that is to be answered with a 413 of the platform's own. */
const BODY_LIMIT = 128 * 1024 * 1024;

export interface MixpanelCounts {
  /** Requests to `/import` that were read. */
  readonly requests: number;
  /** Events stored, copies included, and those that a report shows. */
  readonly accepted: number;
  readonly visible: number;
  readonly refused: number;
  readonly profiles: number;
  readonly updates: number;
}

/** Mixpanel's ingestion API over projects that hold what they were sent. */
export interface MixpanelPlatform extends SinkSimulator {
  readonly projects: readonly MixpanelProject[];
  /** Every copy of the project's events, in the order they came; the first project unless named. */
  exportRaw(projectId?: string): readonly StoredEvent[];
  /** The events as a report shows them: copies of one tuple once, the last one. */
  query(projectId?: string): readonly StoredEvent[];
  /** The events as a compaction would leave them. */
  compact(projectId?: string, timeZone?: string): readonly StoredEvent[];
  profiles(projectId?: string): ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  profileUpdates(projectId?: string): readonly ProfileUpdate[];
  readonly counts: () => MixpanelCounts;
  /** Forgets all events, profiles and what was spent. */
  clear(): void;
}

/** Builds Mixpanel projects with their API. */
export function buildMixpanel(options: MixpanelOptions = {}): MixpanelPlatform {
  const { projects = [DEFAULT_PROJECT], now = () => Date.now(), rateLimit = 'off', latencyMs = 0, ...given } = options;
  const settings: MixpanelSettings = { ...DEFAULT_SETTINGS, ...given };
  const states = projects.map((project) => new ProjectState(project, new RollingBudget(settings.budget, now)));
  const gate = new PlatformGate({ name: 'mixpanel', rateLimit, latencyMs });
  const stateOf = (id: string | undefined): ProjectState => {
    const found = states.find(({ project }) => id === undefined || project.id === id);
    if (found === undefined) throw new Error(`there is no Mixpanel project ${String(id)}`);
    return found;
  };
  return {
    projects,
    control: new SimulatorControl(gate, sinkAccount),
    ledger: { lines: (which) => mixpanelLines(states, which?.view) },
    configure: (wanted) => {
      applySettings(settings, wanted);
      for (const { budget } of states) budget.limits = settings.budget;
    },
    exportRaw: (id) => stateOf(id).events.exportRaw(),
    query: (id) => stateOf(id).events.query(),
    compact: (id, timeZone) => stateOf(id).events.compact(timeZone),
    profiles: (id) => stateOf(id).profiles.all(),
    profileUpdates: (id) => stateOf(id).profiles.updates(),
    counts: () => countsOf(states),
    clear: () => states.forEach((state) => state.clear()),
    install: async (app) => {
      app.removeAllContentTypeParsers();
      app.addContentTypeParser(
        '*',
        { parseAs: 'buffer', bodyLimit: BODY_LIMIT },
        async (_request: unknown, body: Buffer) => body,
      );
      installGate(app, gate, mixpanelManners({ projects, now, retryAfter: () => settings.retryAfter }));
      wholeRefusals(app);
      const around = { settings, states, now };
      importRoute(app, around);
      tokenRoutes(app, around);
    },
  };
}

function countsOf(states: readonly ProjectState[]): MixpanelCounts {
  const total = (count: (state: ProjectState) => number): number =>
    states.reduce((sum, state) => sum + count(state), 0);
  return {
    requests: total(({ requests }) => requests),
    accepted: total(({ events }) => events.accepted),
    visible: total(({ events }) => events.visibleCount),
    refused: total(({ refused }) => refused),
    profiles: total(({ profiles }) => profiles.all().size),
    updates: total(({ profiles }) => profiles.updates().length),
  };
}
