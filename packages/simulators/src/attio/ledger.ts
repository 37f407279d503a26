import { plainValues } from './records.ts';
import type { RecordTable } from './records.ts';
import type { WorkspaceState } from './workspace.ts';

const VIEWS = ['records', 'writes', 'notes', 'entries', 'activities'] as const;
type AttioView = (typeof VIEWS)[number];

/**
 * What the workspaces hold, as NDJSON lines without the line end: `records` of all objects as plain values (the
 * default), `activities` likewise, `entries` of lists, `notes`, and `writes`, everything that reached a route, in order.
 * @throws Error on another view.
 */
export function attioLines(states: readonly WorkspaceState[], view: string = 'records'): Generator<string> {
  const known = VIEWS.find((name) => name === view);
  if (known === undefined) throw new Error(`attio has no view ${view}: ${VIEWS.join(', ')}`);
  return linesOf(states, known);
}

function* linesOf(states: readonly WorkspaceState[], view: AttioView): Generator<string> {
  for (const state of states) {
    const workspace = state.workspace.id;
    switch (view) {
      case 'records':
        for (const table of state.objects.values()) yield* rowLines(workspace, table);
        break;
      case 'activities':
        for (const table of state.activities.values()) yield* rowLines(workspace, table);
        break;
      case 'entries':
        for (const list of state.lists.values()) {
          const { attributes } = list.entries;
          for (const row of list.entries.all()) {
            const parent = list.parentOf(row);
            yield JSON.stringify({
              workspace,
              list: attributes.owner.slug,
              parent,
              values: plainValues(row, attributes),
            });
          }
        }
        break;
      case 'notes':
        for (const note of state.notes) yield JSON.stringify({ workspace, ...note });
        break;
      case 'writes':
        for (const write of state.log.all()) yield JSON.stringify({ workspace, ...write });
    }
  }
}

function* rowLines(workspace: string, table: RecordTable): Generator<string> {
  const { attributes } = table;
  for (const row of table.all()) {
    yield JSON.stringify({
      workspace,
      object: attributes.owner.slug,
      recordId: row.id,
      values: plainValues(row, attributes),
    });
  }
}
