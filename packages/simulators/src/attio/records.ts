import type { Attribute, AttributeRegistry } from './attributes.ts';
import { nanoTime } from './attributes.ts';
import { uuidOf } from './ids.ts';
import type { References } from './read-value.ts';
import type { Value } from './value.ts';
import { readValues } from './read-value.ts';
import { Refusal, notFound, unknownAttribute } from './refusal.ts';

interface HeldValue extends Value {
  /** Epoch ms. */
  readonly activeFrom: number;
}

export interface Row {
  readonly id: string;
  /** Epoch ms. */
  readonly createdAt: number;
  readonly values: Map<string, readonly HeldValue[]>;
}

export type Given = Readonly<Record<string, unknown>>;
type Parsed = ReadonlyMap<Attribute, readonly Value[]>;

/**
 * How values of several meet those that are there (fact sheet, section 4): `assert` adds to the matching attribute and
 * replaces the others, `append` (PATCH) puts new ones first, `replace` (PUT by id) leaves what was given.
 */
type Merge = { readonly how: 'append' | 'replace' } | { readonly how: 'assert'; readonly matching: Attribute };

/** The records of one object or activity. Every call is all or nothing. */
export class RecordTable {
  readonly attributes: AttributeRegistry;
  private readonly references: References;
  private readonly rows = new Map<string, Row>();
  private readonly holders = new Map<string, Map<string, Row>>();

  constructor(attributes: AttributeRegistry, references: References) {
    this.attributes = attributes;
    this.references = references;
  }

  get size(): number {
    return this.rows.size;
  }

  all(): Iterable<Row> {
    return this.rows.values();
  }

  /** @throws Refusal 404 for an id that is not, or no longer, here. */
  get(id: string): Row {
    const row = this.rows.get(id);
    if (row === undefined) throw notFound(`Record with ID "${id}" not found.`);
    return row;
  }

  /** The records that hold one of these values of a unique attribute. */
  holding(attribute: Attribute, values: readonly Value[]): readonly Row[] {
    const holders = this.holders.get(attribute.slug);
    return [...new Set(values.map(({ key }) => holders?.get(key)).filter((row) => row !== undefined))];
  }

  /** @throws Refusal; then nothing was stored. */
  assert(matchingName: string | undefined, given: Given, now: number): Row {
    if (matchingName === undefined || matchingName === '') {
      throw new Refusal(400, 'missing_value', 'Required query parameter "matching_attribute" is missing.');
    }
    const matching = this.attributes.find(matchingName);
    if (matching === undefined) {
      const message = `No attribute was found for matching_attribute slug/ID "${matchingName}".`;
      throw new Refusal(400, 'value_not_found', message);
    }
    if (!matching.isUnique) {
      throw new Refusal(400, 'validation_type', `Attribute "${matching.slug}" is not unique and cannot be matched on.`);
    }
    const parsed = this.parse(given);
    const wanted = parsed.get(matching) ?? [];
    if (wanted.length === 0) {
      throw new Refusal(400, 'missing_value', `A value for the matching attribute "${matching.slug}" is required.`);
    }
    const found = this.holding(matching, wanted);
    if (found.length > 1) {
      const message = `Multiple records were found for the matching attribute "${matching.slug}".`;
      throw new Refusal(400, 'multiple_match_results', message);
    }
    return this.write(found[0] ?? null, parsed, { how: 'assert', matching }, now);
  }

  create(given: Given, now: number): Row {
    return this.write(null, this.parse(given), { how: 'replace' }, now);
  }

  update(id: string, given: Given, how: 'append' | 'replace', now: number): Row {
    const row = this.get(id);
    return this.write(row, this.parse(given), { how }, now);
  }

  /** The attribute is gone from one moment to the next, and with it what records held of it. */
  deleteAttribute(slug: string): void {
    this.attributes.delete(slug);
    this.holders.delete(slug);
    for (const row of this.rows.values()) row.values.delete(slug);
  }

  private parse(given: Given): Parsed {
    const parsed = new Map<Attribute, readonly Value[]>();
    for (const name of Object.keys(given)) {
      if (this.attributes.find(name) === undefined) throw unknownAttribute(name);
    }
    for (const [name, value] of Object.entries(given)) {
      const attribute = this.attributes.get(name);
      parsed.set(attribute, readValues(attribute, value, this.references));
    }
    return parsed;
  }

  private write(found: Row | null, parsed: Parsed, merge: Merge, now: number): Row {
    for (const attribute of found === null ? this.attributes.all() : []) {
      if (attribute.isRequired && (parsed.get(attribute) ?? []).length === 0) {
        throw new Refusal(400, 'missing_value', `A value for the attribute "${attribute.slug}" is required.`);
      }
    }
    for (const [attribute, values] of parsed) {
      if (attribute.isUnique && this.holding(attribute, values).some((row) => row !== found)) {
        const message = `A value provided for attribute with slug "${attribute.slug}" conflicts with one already in the system.`;
        throw new Refusal(400, 'uniqueness_conflict', message);
      }
    }
    const { owner } = this.attributes;
    const row = found ?? { id: uuidOf(owner.id, 'record', this.rows.size), createdAt: now, values: new Map() };
    if (found === null) this.rows.set(row.id, row);
    for (const [attribute, values] of parsed)
      this.setValues(row, attribute, merged(row, attribute, { values, merge, now }));
    return row;
  }

  private setValues(row: Row, attribute: Attribute, values: readonly HeldValue[]): void {
    if (attribute.isUnique) {
      const holders = this.holders.get(attribute.slug) ?? new Map<string, Row>();
      this.holders.set(attribute.slug, holders);
      for (const { key } of row.values.get(attribute.slug) ?? []) holders.delete(key);
      for (const { key } of values) holders.set(key, row);
    }
    row.values.set(attribute.slug, values);
  }
}

function merged(
  row: Row,
  attribute: Attribute,
  { values, merge, now }: { readonly values: readonly Value[]; readonly merge: Merge; readonly now: number },
): readonly HeldValue[] {
  const held = row.values.get(attribute.slug) ?? [];
  const known = new Map(held.map((value) => [value.key, value]));
  const given = values.map((value) => known.get(value.key) ?? { ...value, activeFrom: now });
  if (!attribute.isMultiselect) return given;
  const fresh = given.filter(({ key }) => !known.has(key));
  if (merge.how === 'append') return [...fresh, ...held];
  if (merge.how === 'assert' && merge.matching === attribute) return [...held, ...fresh];
  return given;
}

/** A record as the API shows it: every attribute an array of value objects. */
export function renderRow(row: Row, attributes: AttributeRegistry): object {
  const { owner } = attributes;
  const values = Object.fromEntries(attributes.all().map((attribute) => [attribute.slug, shownValues(row, attribute)]));
  return {
    id: { workspace_id: owner.workspaceId, object_id: owner.id, record_id: row.id },
    created_at: nanoTime(row.createdAt),
    web_url: `https://app.attio.com/simulated/${owner.slug}/record/${row.id}`,
    values,
  };
}

function shownValues(row: Row, attribute: Attribute): readonly object[] {
  const around = (activeFrom: number): object => ({
    active_from: nanoTime(activeFrom),
    active_until: null,
    created_by_actor: { type: 'api-token', id: null },
    attribute_type: attribute.type,
  });
  if (attribute.slug === 'record_id') return [{ ...around(row.createdAt), value: row.id }];
  if (attribute.slug === 'created_at') return [{ ...around(row.createdAt), value: nanoTime(row.createdAt) }];
  return (row.values.get(attribute.slug) ?? []).map(({ activeFrom, fields }) => ({ ...around(activeFrom), ...fields }));
}

/** The values of a row as plain data: one value, or a list where there may be several; what is empty is left out. */
export function plainValues(row: Row, attributes: AttributeRegistry): Readonly<Record<string, unknown>> {
  const plain: Record<string, unknown> = {};
  for (const attribute of attributes.all()) {
    const values = (row.values.get(attribute.slug) ?? []).map((value) => value.plain);
    if (values.length > 0) plain[attribute.slug] = attribute.isMultiselect ? values : values[0];
  }
  return plain;
}
