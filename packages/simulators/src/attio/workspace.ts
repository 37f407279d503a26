import type { Owner } from './attributes.ts';
import { AttributeRegistry, STANDARD_ATTRIBUTES } from './attributes.ts';
import type { ClockLimiter } from './clock-limiter.ts';
import { uuidOf } from './ids.ts';
import { ListTable } from './lists.ts';
import type { AttioSettings, AttioWorkspace } from './options.ts';
import type { References } from './read-value.ts';
import { readValues } from './read-value.ts';
import type { Row } from './records.ts';
import { RecordTable, plainValues } from './records.ts';
import { Refusal, notFound } from './refusal.ts';
import { WriteLog } from './write-log.ts';

/** Domains whose companies nobody works for. */
const FREE_MAIL: ReadonlySet<string> = new Set([
  'gmail.com',
  'googlemail.com',
  'outlook.com',
  'hotmail.com',
  'yahoo.com',
]);

export interface Note {
  readonly id: string;
  readonly parentObject: string;
  readonly parentRecordId: string;
  readonly title: string;
  readonly format: 'plaintext' | 'markdown';
  readonly content: string;
  /** Epoch ms. */
  readonly createdAt: number;
}

/** One workspace: its objects, lists, activities and notes, and everything that was written to it. */
export class WorkspaceState {
  readonly workspace: AttioWorkspace;
  readonly limiters: { readonly reads: ClockLimiter; readonly writes: ClockLimiter };
  readonly log = new WriteLog();
  objects = new Map<string, RecordTable>();
  lists = new Map<string, ListTable>();
  activities = new Map<string, RecordTable>();
  notes: Note[] = [];

  constructor(workspace: AttioWorkspace, limiters: WorkspaceState['limiters']) {
    this.workspace = workspace;
    this.limiters = limiters;
    this.clear();
  }

  /** @throws Refusal 404. */
  object(name: string): RecordTable {
    const found = find(this.objects, name, ({ attributes }) => attributes.owner.id);
    if (found === undefined) throw notFound(`Object with slug/ID "${name}" not found.`);
    return found;
  }

  /** @throws Refusal 404. */
  list(name: string): ListTable {
    const found = find(this.lists, name, ({ entries }) => entries.attributes.owner.id);
    if (found === undefined) throw notFound(`List with slug/ID "${name}" not found.`);
    return found;
  }

  /** @throws Refusal 404. */
  activity(name: string): RecordTable {
    const found = find(this.activities, name, ({ attributes }) => attributes.owner.id);
    if (found === undefined) throw notFound(`Activity with slug/ID "${name}" not found.`);
    return found;
  }

  /** A new activity has no attributes but those that are created for it. */
  defineActivity(slug: string): RecordTable {
    const owner = this.ownerOf('activity', slug);
    const table = new RecordTable(new AttributeRegistry(owner), this.references());
    this.activities.set(slug, table);
    return table;
  }

  /** Links a new person to the company of the address's domain (fact sheet, section 4). */
  linkCompany(person: Row, settings: AttioSettings, now: number): void {
    const people = this.object('people');
    const emails = person.values.get('email_addresses') ?? [];
    const domain = emails[0]?.fields['email_domain'];
    if (!settings.linksCompanies || typeof domain !== 'string' || FREE_MAIL.has(domain)) return;
    if ((person.values.get('company') ?? []).length > 0) return;
    const company = this.object('companies').assert('domains', { domains: [domain] }, now);
    people.update(
      person.id,
      { company: [{ target_object: 'companies', target_record_id: company.id }] },
      'append',
      now,
    );
  }

  deleteAttribute(owner: string, slug: string): void {
    const table = this.objects.get(owner) ?? this.lists.get(owner)?.entries ?? this.activities.get(owner);
    if (table === undefined) throw new Error(`there is no object, list or activity ${owner}`);
    table.deleteAttribute(slug);
  }

  /** Forgets records, what was added to the configuration, notes and writes. */
  clear(): void {
    const references = this.references();
    const slugs = Object.keys(STANDARD_ATTRIBUTES);
    this.objects = new Map(
      slugs.map((slug) => [
        slug,
        new RecordTable(new AttributeRegistry(this.ownerOf('object', slug), STANDARD_ATTRIBUTES[slug]), references),
      ]),
    );
    this.lists = new Map(
      (this.workspace.lists ?? []).map(({ slug, parentObject }) => {
        const entries = new RecordTable(new AttributeRegistry(this.ownerOf('list', slug)), references);
        return [slug, new ListTable(parentObject, entries)];
      }),
    );
    this.activities = new Map();
    this.notes = [];
    this.log.clear();
    this.limiters.reads.clear();
    this.limiters.writes.clear();
  }

  /** People by each of their addresses, as plain values. */
  people(): ReadonlyMap<string, Readonly<Record<string, unknown>>> {
    const table = this.object('people');
    const people = new Map<string, Readonly<Record<string, unknown>>>();
    for (const row of table.all()) {
      const plain = plainValues(row, table.attributes);
      for (const { key } of row.values.get('email_addresses') ?? []) people.set(key, plain);
    }
    return people;
  }

  private ownerOf(kind: Owner['kind'], slug: string): Owner {
    const { id: workspaceId } = this.workspace;
    return { kind, workspaceId, id: uuidOf(workspaceId, kind, slug), slug };
  }

  private references(): References {
    return {
      resolve: (slug, reference) => {
        const { target_object: name, target_record_id: recordId, ...by } = reference;
        const table = this.object(String(name));
        const object = table.attributes.owner.slug;
        const missing = (): Refusal =>
          new Refusal(400, 'value_not_found', `Cannot find the record that attribute "${slug}" refers to.`);
        if (typeof recordId === 'string') {
          if (![...table.all()].some(({ id }) => id === recordId)) throw missing();
          return { object, recordId };
        }
        const [attributeName, given] = Object.entries(by)[0] ?? [];
        const attribute = attributeName === undefined ? undefined : table.attributes.find(attributeName);
        if (attribute === undefined || !attribute.isUnique) throw missing();
        const found = table.holding(attribute, readValues(attribute, given, this.references()));
        const [row] = found;
        if (found.length !== 1 || row === undefined) throw missing();
        return { object, recordId: row.id };
      },
    };
  }
}

function find<T>(tables: ReadonlyMap<string, T>, name: string, idOf: (table: T) => string): T | undefined {
  return tables.get(name) ?? [...tables.values()].find((table) => idOf(table) === name);
}
