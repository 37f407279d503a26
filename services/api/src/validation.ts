import type { FastifySchemaCompiler } from 'fastify';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { ValidationError } from './errors.ts';
import { faultsOf, isRecord, objectOf } from './schema-faults.ts';
import type { Schema } from './schema-faults.ts';

type Entry = [string, unknown];

/**
 * Compiles a route's schemas. Bodies are taken as they are (no coercion); in optional fields `null`, `""` and blanks
 * count as missing. Query parameters are text and read by their schema; what stands in the path is taken as it stands.
 */
export const compileValidator: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const validator = Compile(schema);
  const shape: Schema = { ...schema };
  const read = httpPart === 'body' ? withoutMissing : httpPart === 'params' ? asItIs : fromText;
  return (value: unknown) => {
    const input = read(shape, value);
    if (validator.Check(input)) return { value: input };
    return { error: new ValidationError(faultsOf(shape, input, validator.Errors(input))) };
  };
};

function asItIs(_schema: Schema, value: unknown): unknown {
  return value;
}

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

/** A schema's own property: names such as `constructor` or `__proto__` are none. */
function memberOf(properties: Schema, name: string): Schema | null {
  return Object.hasOwn(properties, name) ? objectOf(properties[name]) : null;
}
