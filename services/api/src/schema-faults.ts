import type { Fault } from './errors.ts';

export type Schema = Readonly<Record<string, unknown>>;

/** A fault as the validator tells it: where it lies in the value, and the pointer (`#/...`) of the schema that refused it. */
interface SchemaFault {
  readonly keyword: string;
  readonly schemaPath: string;
  readonly instancePath: string;
  readonly params: object;
  readonly message: string;
}

type Add = (pointer: string, message: string) => void;

/** One fault per place, in words that say what was expected. */
export function faultsOf(schema: Schema, value: unknown, errors: readonly SchemaFault[]): readonly Fault[] {
  const faults = new Map<string, string>();
  explain(schema, value, errors, (pointer, message) => {
    if (!faults.has(pointer)) faults.set(pointer, message);
  });
  return [...faults].map(([pointer, message]) => ({ pointer, message }));
}

function explain(schema: Schema, value: unknown, errors: readonly SchemaFault[], add: Add): void {
  const unions = errors.filter(({ keyword }) => keyword === 'anyOf');
  const outermost = unions.filter((union) => !unions.some((other) => isOfVariant(union, other)));
  for (const error of errors) {
    // The refusal of an unknown field comes a second time, by name, as additionalProperties.
    if (error.keyword === 'boolean' || outermost.some((union) => isOfVariant(error, union))) continue;
    const params: Schema = { ...error.params };
    if (outermost.includes(error)) {
      explainUnion(schema, value, { union: error, errors }, add);
    } else if (error.keyword === 'additionalProperties') {
      const known = Object.keys(objectOf(at(schema, error.schemaPath)?.['properties']) ?? {});
      for (const name of namesIn(params['additionalProperties']))
        add(`${error.instancePath}/${escapePointer(name)}`, unknownField(name, known));
    } else if (error.keyword === 'required') {
      for (const name of namesIn(params['requiredProperties']))
        add(`${error.instancePath}/${escapePointer(name)}`, 'is required');
    } else if (error.instancePath === '' && !isRecord(value)) {
      add('', 'The body must be a JSON object.');
    } else {
      add(error.instancePath, expectation(schema, error));
    }
  }
}

/**
 * A value that fits no variant of a union: fields that none of them knows are named; where it is plain which variant was
 * meant, its faults are told; else what fits.
 */
function explainUnion(
  schema: Schema,
  value: unknown,
  { union, errors }: { readonly union: SchemaFault; readonly errors: readonly SchemaFault[] },
  add: Add,
): void {
  const given = valueAt(value, union.instancePath);
  const variants = variantsOf(at(schema, union.schemaPath));
  if (isRecord(given)) {
    const known = variants.map((variant) => Object.keys(objectOf(variant['properties']) ?? {}));
    const unknown = Object.keys(given).filter((name) => !known.some((names) => names.includes(name)));
    for (const name of unknown)
      add(`${union.instancePath}/${escapePointer(name)}`, unknownField(name, [...new Set(known.flat())]));
    if (unknown.length > 0) return;
  }
  const fits = variants.map((variant) => likeness(variant, given));
  const best = Math.max(...fits);
  const meant = fits.indexOf(best);
  if (best === 0 || fits.lastIndexOf(best) !== meant) {
    const isBody = union.instancePath === '' && !isRecord(value);
    add(union.instancePath, isBody ? 'The body must be a JSON object.' : expectation(schema, union));
    return;
  }
  const path = `${union.schemaPath}/anyOf/${meant}`;
  explain(
    schema,
    value,
    errors.filter(({ schemaPath }) => schemaPath === path || schemaPath.startsWith(`${path}/`)),
    add,
  );
}

/** How much a value looks like a variant: arrays like arrays, objects by the fields that they share; 0 = not at all. */
function likeness(variant: Schema, given: unknown): number {
  if (Array.isArray(given)) return variant['type'] === 'array' ? 1 : 0;
  if (!isRecord(given)) return 0;
  const properties = objectOf(variant['properties']) ?? {};
  return Object.keys(given).filter((name) => Object.hasOwn(properties, name)).length;
}

/** Whether a fault was found while a variant of a union was tried. */
function isOfVariant({ schemaPath }: SchemaFault, union: SchemaFault): boolean {
  return schemaPath.startsWith(`${union.schemaPath}/anyOf/`);
}

function variantsOf(schema: Schema | null): readonly Schema[] {
  const variants = schema?.['anyOf'];
  return Array.isArray(variants) ? variants.map((variant) => objectOf(variant) ?? {}) : [];
}

function expectation(schema: Schema, { schemaPath, message, keyword }: SchemaFault): string {
  const described = at(schema, schemaPath)?.['description'];
  if (typeof described === 'string') return `expected ${described}`;
  return keyword === 'anyOf' ? 'something else' : message;
}

/** The schema at a pointer such as `#/properties/a/anyOf/0`. */
function at(schema: Schema, schemaPath: string): Schema | null {
  return objectOf(valueAt(schema, schemaPath.slice(1)));
}

function valueAt(value: unknown, pointer: string): unknown {
  let found: unknown = value;
  for (const name of pointer.split('/').slice(1)) {
    const key = name.replaceAll('~1', '/').replaceAll('~0', '~');
    const inner: object = Object(found);
    found = Object.hasOwn(inner, key) ? Object.entries(inner).find(([known]) => known === key)?.[1] : undefined;
  }
  return found;
}

function unknownField(name: string, known: readonly string[]): string {
  const plain = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]/g, '');
  const meant = known.find((candidate) => plain(candidate) === plain(name));
  return meant === undefined ? 'is not a known field' : `is not a known field; did you mean "${meant}"?`;
}

function escapePointer(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

function namesIn(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function objectOf(value: unknown): Schema | null {
  return isRecord(value) ? value : null;
}
