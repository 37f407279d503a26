import type { FastifySchemaCompiler } from 'fastify';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { ValidationError } from './errors.ts';
import type { Fault } from './errors.ts';

type Schema = Readonly<Record<string, unknown>>;
type Entry = [string, unknown];

/**
 * Compiles a route's schemas. Bodies are taken as they are (no coercion); in optional fields `null`, `""` and blanks
 * count as missing. Query and path parameters are text and read by their schema.
 */
export const compileValidator: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const validator = Compile(schema);
  const shape: Schema = { ...schema };
  const read = httpPart === 'body' ? withoutMissing : fromText;
  return (value: unknown) => {
    const input = read(shape, value);
    if (validator.Check(input)) return { value: input };
    return { error: new ValidationError(faultsOf(shape, input, validator.Errors(input))) };
  };
};

function withoutMissing(schema: Schema, value: unknown): unknown {
  const properties = propertiesOf(schema);
  if (properties === null || !isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, inner]): Entry[] => {
      const property = memberOf(properties, name);
      if (property === null) return [[name, inner]];
      const missing = inner === null || (typeof inner === 'string' && inner.trim() === '');
      return missing ? [] : [[name, withoutMissing(property, inner)]];
    }),
  );
}

/** The properties of an object, of whichever variant it is. */
function propertiesOf(schema: Schema): Schema | null {
  const variants = Array.isArray(schema['anyOf']) ? schema['anyOf'] : [];
  const all = [schema, ...variants].flatMap((variant): Schema[] => {
    const properties = objectOf(objectOf(variant)?.['properties']);
    return properties === null ? [] : [properties];
  });
  return all.length === 0 ? null : Object.fromEntries(all.flatMap((properties): Entry[] => Object.entries(properties)));
}

function fromText(schema: Schema, value: unknown): unknown {
  const properties = objectOf(schema['properties']);
  if (properties === null || !isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, text]): Entry[] => {
      const type = memberOf(properties, name)?.['type'];
      if (typeof text !== 'string') return [[name, text]];
      if (text.trim() === '' && type !== undefined) return [];
      if (type === 'integer' && /^-?\d{1,15}$/.test(text)) return [[name, Number(text)]];
      if (type === 'boolean' && /^(true|false)$/.test(text)) return [[name, text === 'true']];
      return [[name, text]];
    }),
  );
}

interface SchemaFault {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: object;
  readonly message: string;
}

/** One fault per place, in words that say what was expected. */
function faultsOf(schema: Schema, value: unknown, errors: readonly SchemaFault[]): readonly Fault[] {
  const faults = new Map<string, string>();
  const add = (pointer: string, message: string): void => {
    if (!faults.has(pointer)) faults.set(pointer, message);
  };
  // A place that no variant of a union fits is one fault, not one per variant.
  const unions = errors.filter((error) => error.keyword === 'anyOf').map((error) => error.instancePath);
  const inUnion = (path: string): string | undefined =>
    unions.find((union) => path === union || path.startsWith(`${union}/`));
  for (const error of errors) {
    // The refusal of an unknown field comes a second time, by name, as additionalProperties.
    if (error.keyword === 'boolean') continue;
    const params: Schema = { ...error.params };
    const union = inUnion(error.instancePath);
    if (union !== undefined) {
      add(union, expectation(schema, union, 'something else'));
    } else if (error.keyword === 'additionalProperties') {
      const known = Object.keys(objectOf(schemaAt(schema, error.instancePath)?.['properties']) ?? {});
      for (const name of namesIn(params['additionalProperties']))
        add(`${error.instancePath}/${escapePointer(name)}`, unknownField(name, known));
    } else if (error.keyword === 'required') {
      for (const name of namesIn(params['requiredProperties']))
        add(`${error.instancePath}/${escapePointer(name)}`, 'is required');
    } else if (error.instancePath === '' && !isRecord(value)) {
      add('', 'The body must be a JSON object.');
    } else {
      add(error.instancePath, expectation(schema, error.instancePath, error.message));
    }
  }
  return [...faults].map(([pointer, message]) => ({ pointer, message }));
}

function expectation(schema: Schema, pointer: string, fallback: string): string {
  const described = schemaAt(schema, pointer)?.['description'];
  return typeof described === 'string' ? `expected ${described}` : fallback;
}

function schemaAt(schema: Schema, pointer: string): Schema | null {
  let at: Schema | null = schema;
  for (const name of pointer.split('/').slice(1)) {
    const properties: Schema | null = objectOf(at?.['properties']);
    at = objectOf(properties?.[name.replaceAll('~1', '/').replaceAll('~0', '~')]) ?? objectOf(at?.['items']);
  }
  return at;
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

/** A schema's own property: names such as `constructor` or `__proto__` are none. */
function memberOf(properties: Schema, name: string): Schema | null {
  return Object.hasOwn(properties, name) ? objectOf(properties[name]) : null;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function objectOf(value: unknown): Schema | null {
  return isRecord(value) ? value : null;
}
