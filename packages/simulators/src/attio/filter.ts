import type { AttributeRegistry } from './attributes.ts';
import type { Row } from './records.ts';
import { Refusal } from './refusal.ts';

/**
 * Whether a record passes a filter: equality of attributes in short or long form, `$and`, `$or`; that is what clients
 * look a person up by (Attio fact sheet, sections 3 and 14).
 * @throws Refusal for an unknown attribute, and for what this simulator does not know.
 */
export function matches(row: Row, attributes: AttributeRegistry, filter: unknown): boolean {
  if (filter === undefined || filter === null) return true;
  if (!isObject(filter)) throw badFilter();
  return Object.entries(filter).every(([name, wanted]) => {
    if (name === '$and' || name === '$or') {
      if (!Array.isArray(wanted)) throw badFilter();
      const results = wanted.map((inner) => matches(row, attributes, inner));
      return name === '$and' ? results.every(Boolean) : results.some(Boolean);
    }
    const attribute = attributes.find(name);
    if (attribute === undefined) {
      throw new Refusal(400, 'unknown_filter_attribute_slug', `Unknown attribute slug "${name}" in the filter.`);
    }
    const text = equalTo(wanted);
    const isEmail = attribute.type === 'email-address' || attribute.type === 'domain';
    const key = isEmail ? text.trim().toLowerCase() : text;
    return (row.values.get(attribute.slug) ?? []).some((value) => value.key === key || value.plain === key);
  });
}

/** `"x"`, `{"$eq":"x"}`, `{"value":"x"}`, `{"email_address":{"$eq":"x"}}`. */
function equalTo(wanted: unknown): string {
  if (typeof wanted === 'string' || typeof wanted === 'number' || typeof wanted === 'boolean') return String(wanted);
  const inner = isObject(wanted) ? Object.entries(wanted) : [];
  const [name, value] = inner[0] ?? [];
  if (inner.length !== 1 || name === undefined || (name.startsWith('$') && name !== '$eq')) throw badFilter();
  return equalTo(value);
}

function badFilter(): Refusal {
  return new Refusal(400, 'filter_error', 'The filter is not one that this endpoint understands.');
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
