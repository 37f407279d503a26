import type { RollingBudget } from './budget.ts';
import { EventStore } from './event-store.ts';
import type { MixpanelProject } from './options.ts';
import { ProfileStore } from './profiles.ts';

/** One project: who may write to it, what it took, and what it has left of its minute. */
export class ProjectState {
  readonly project: MixpanelProject;
  readonly events = new EventStore();
  readonly profiles = new ProfileStore();
  readonly budget: RollingBudget;
  /** Requests to `/import` that were read, and records of them that were refused. */
  requests = 0;
  refused = 0;

  constructor(project: MixpanelProject, budget: RollingBudget) {
    this.project = project;
    this.budget = budget;
  }

  clear(): void {
    this.events.clear();
    this.profiles.clear();
    this.budget.clear();
    this.requests = 0;
    this.refused = 0;
  }
}
