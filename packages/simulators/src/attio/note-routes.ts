import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Around } from './around.ts';
import { accessWith, dataOf, pageOf, paramsOf, queryOf, textIn, valuesIn } from './around.ts';
import { nanoTime } from './attributes.ts';
import { uuidOf } from './ids.ts';
import type { ListTable } from './lists.ts';
import type { Access } from './manners.ts';
import type { Row } from './records.ts';
import { renderRow } from './records.ts';
import { Refusal, invalidBody } from './refusal.ts';
import type { Note, WorkspaceState } from './workspace.ts';

/** Notes, which are added each time they are sent, and entries of lists (Attio fact sheet, section 7). */
export function noteRoutes(app: FastifyInstance, around: Around): void {
  app.post('/notes', async (request) => {
    const access = accessWith(request, around, 'note:read-write');
    const { state } = access;
    const data = dataOf(request);
    const parentObject = textIn(data, 'parent_object');
    const parent = state.object(parentObject).get(textIn(data, 'parent_record_id'));
    const format = textIn(data, 'format');
    if (format !== 'plaintext' && format !== 'markdown') {
      throw invalidBody(['data', 'format'], 'plaintext | markdown', format);
    }
    const note: Note = {
      id: uuidOf(state.workspace.id, 'note', state.notes.length),
      parentObject,
      parentRecordId: parent.id,
      title: textIn(data, 'title'),
      format,
      content: textIn(data, 'content'),
      createdAt: createdAt(data['created_at'], around.now()),
    };
    state.notes.push(note);
    const person = parent.values.get('email_addresses')?.[0]?.key ?? null;
    around.noteWrite(request, access, { person, recordId: parent.id, values: data }, 'applied');
    return { data: renderNote(note, state) };
  });

  app.get('/notes', async (request) => {
    const { state } = accessWith(request, around, 'note:read');
    const { from, to } = pageOf(queryOf(request), { limit: 10, most: 50 });
    const { parent_object: object, parent_record_id: recordId } = queryOf(request);
    const found = state.notes.filter(
      (note) =>
        (object === undefined || note.parentObject === object) &&
        (recordId === undefined || note.parentRecordId === recordId),
    );
    return { data: found.slice(from, to).map((note) => renderNote(note, state)) };
  });

  entryRoutes(app, around);
}

function entryRoutes(app: FastifyInstance, around: Around): void {
  const rendered = (list: ListTable, row: Row): { data: object } => ({ data: renderEntry(list, row) });
  const write = async (request: FastifyRequest, how: 'add' | 'assert'): Promise<{ data: object }> => {
    const access: Access = accessWith(request, around, 'list_entry:read-write');
    const list = access.state.list(paramsOf(request)['list'] ?? '');
    const data = dataOf(request);
    const object = textIn(data, 'parent_object');
    const recordId = textIn(data, 'parent_record_id');
    const values = valuesIn(data, 'entry_values');
    if (object !== list.parentObject) throw new Refusal(400, 'validation_type', `The list holds ${list.parentObject}.`);
    const parent = access.state.object(object).get(recordId);
    const row = list[how]({ object, recordId }, values, around.now());
    const person = parent.values.get('email_addresses')?.[0]?.key ?? null;
    around.noteWrite(request, access, { person, recordId, values: data }, 'applied');
    return rendered(list, row);
  };
  app.put('/lists/:list/entries', async (request) => write(request, 'assert'));
  app.post('/lists/:list/entries', async (request) => write(request, 'add'));
  app.post('/lists/:list/entries/query', async (request) => {
    const { state } = accessWith(request, around, 'list_entry:read');
    const list = state.list(paramsOf(request)['list'] ?? '');
    const { from, to } = pageOf((request.body ?? {}) as Record<string, unknown>, { limit: 500, most: 500 });
    return { data: [...list.entries.all()].slice(from, to).map((row) => renderEntry(list, row)) };
  });
}

function renderEntry(list: ListTable, row: Row): object {
  const { values } = renderRow(row, list.entries.attributes) as { readonly values: object };
  return list.render(row, values);
}

function createdAt(given: unknown, now: number): number {
  if (given === undefined) return now;
  const at = typeof given === 'string' ? Date.parse(given) : Number.NaN;
  if (!(at >= 0 && at <= now)) throw invalidBody(['data', 'created_at'], 'a time between 1970 and now', given);
  return at;
}

function renderNote(note: Note, state: WorkspaceState): object {
  return {
    id: { workspace_id: state.workspace.id, note_id: note.id },
    parent_object: note.parentObject,
    parent_record_id: note.parentRecordId,
    title: note.title,
    content_plaintext: note.content,
    content_markdown: note.content,
    tags: [],
    created_by_actor: { type: 'api-token', id: null },
    created_at: nanoTime(note.createdAt),
  };
}
