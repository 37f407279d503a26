import { nanoTime } from './attributes.ts';
import type { Given, RecordTable, Row } from './records.ts';
import { Refusal } from './refusal.ts';

interface Parent {
  readonly object: string;
  readonly recordId: string;
}

/** A list: entries that belong to a record each; one record may be on it several times (Attio fact sheet, section 7). */
export class ListTable {
  readonly parentObject: string;
  readonly entries: RecordTable;
  private readonly parents = new Map<string, Parent>();

  constructor(parentObject: string, entries: RecordTable) {
    this.parentObject = parentObject;
    this.entries = entries;
  }

  parentOf(entry: Row): Parent | undefined {
    return this.parents.get(entry.id);
  }

  of(recordId: string): readonly Row[] {
    return [...this.entries.all()].filter(({ id }) => this.parents.get(id)?.recordId === recordId);
  }

  /** Adds an entry, whether or not the record is on the list. */
  add(parent: Parent, given: Given, now: number): Row {
    const row = this.entries.create(given, now);
    this.parents.set(row.id, parent);
    return row;
  }

  /** @throws Refusal when the record is on the list more than once. */
  assert(parent: Parent, given: Given, now: number): Row {
    const found = this.of(parent.recordId);
    const [row] = found;
    if (row === undefined) return this.add(parent, given, now);
    if (found.length > 1) {
      const message = 'Multiple entries were found for the parent record.';
      throw new Refusal(400, 'multiple_match_results', message);
    }
    return this.entries.update(row.id, given, 'replace', now);
  }

  render(entry: Row, values: object): object {
    const { owner } = this.entries.attributes;
    const parent = this.parents.get(entry.id);
    return {
      id: { workspace_id: owner.workspaceId, list_id: owner.id, entry_id: entry.id },
      parent_record_id: parent?.recordId,
      parent_object: parent?.object,
      created_at: nanoTime(entry.createdAt),
      entry_values: values,
    };
  }
}
