import type { StoredEvent } from './event-store.ts';
import type { ProjectState } from './project-state.ts';

const VIEWS = ['raw', 'query', 'compact', 'profiles', 'updates'] as const;
type MixpanelView = (typeof VIEWS)[number];

/**
 * What the projects hold, as NDJSON lines without the line end: `raw` every copy, `query` what a report shows (the
 * default), `compact` what a compaction would leave, `profiles` the people, `updates` every update of them in order.
 * @throws Error on another view.
 */
export function mixpanelLines(states: readonly ProjectState[], view: string = 'query'): Generator<string> {
  const known = VIEWS.find((name) => name === view);
  if (known === undefined) throw new Error(`mixpanel has no view ${view}: ${VIEWS.join(', ')}`);
  return linesOf(states, known);
}

function* linesOf(states: readonly ProjectState[], view: MixpanelView): Generator<string> {
  for (const state of states) {
    const project = state.project.id;
    switch (view) {
      case 'raw':
        yield* eventLines(project, state.events.exportRaw());
        break;
      case 'query':
        yield* eventLines(project, state.events.query());
        break;
      case 'compact':
        yield* eventLines(project, state.events.compact());
        break;
      case 'profiles':
        for (const [distinctId, properties] of state.profiles.all()) {
          yield JSON.stringify({ project, distinctId, properties });
        }
        break;
      case 'updates':
        for (const update of state.profiles.updates()) yield JSON.stringify({ project, ...update });
    }
  }
}

function* eventLines(project: string, events: readonly StoredEvent[]): Generator<string> {
  for (const { serial, event, distinctId, time, insertId, properties } of events) {
    const head = JSON.stringify({ project, serial, event, distinctId, time, insertId });
    yield `${head.slice(0, -1)},"properties":${properties}}`;
  }
}
