import { existsSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import type { Static, TObject, TProperties, TSchema } from 'typebox';
import Value from 'typebox/value';
import { ConfigurationError, type ConfigurationProblem } from './errors.ts';
import { redactText, rememberSecret } from './redact.ts';

/** What a property of a configuration schema may carry besides JSON Schema's own words. */
export type FieldOptions = {
  /** What to say after "expected"; derived from the schema when left out. */
  readonly expected?: string;
  /** Never echoed, and hidden in every log line from then on. */
  readonly secret?: boolean;
  /** How to get a value, said when it is missing. */
  readonly hint?: string;
  /** Variables that must be set too when this one is. */
  readonly needs?: readonly string[];
  /** Compared, and kept, in lower case. */
  readonly lowerCase?: boolean;
};

type Field = FieldOptions & {
  readonly type?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string | RegExp;
};

/**
 * Reads `.env` of the working directory (or `path`), if there is one. What the environment has already stays; an empty
 * value counts as not set here, too.
 */
export function loadDotEnv(path = '.env', env: NodeJS.ProcessEnv = process.env): void {
  if (!existsSync(path)) return;
  for (const [name, value] of Object.entries(parseEnv(readFileSync(path, 'utf8')))) {
    if ((env[name] ?? '').trim() === '') env[name] = value;
  }
}

function describeExpected({ expected, type, enum: values, minimum, maximum, pattern }: Field): string {
  if (expected !== undefined) return expected;
  if (values !== undefined) return `one of ${values.join(', ')}`;
  if (type === 'boolean') return 'true or false';
  if (type === 'integer' || type === 'number') {
    const kind = type === 'integer' ? 'a whole number' : 'a number';
    if (minimum !== undefined && maximum !== undefined) return `${kind} from ${minimum} to ${maximum}`;
    if (minimum !== undefined) return `${kind}, ${minimum} or more`;
    return maximum === undefined ? kind : `${kind}, ${maximum} or less`;
  }
  return pattern === undefined ? 'a text' : `a text that matches ${String(pattern)}`;
}

/** The text as the schema's type; the text itself where it cannot be, so that the check then refuses it. */
function fromText(text: string, { type, lowerCase }: Field): unknown {
  const trimmed = text.trim();
  if (type === 'boolean') {
    const word = trimmed.toLowerCase();
    return word === 'true' ? true : word === 'false' ? false : trimmed;
  }
  if (type === 'integer' || type === 'number') return /^-?\d+(?:\.\d+)?$/.test(trimmed) ? Number(trimmed) : trimmed;
  return lowerCase === true ? trimmed.toLowerCase() : trimmed;
}

function missing(field: Field): string {
  const hint = field.hint === undefined ? '' : `; ${field.hint}`;
  return `expected ${describeExpected(field)}; it is not set${hint}`;
}

/**
 * The settings that `schema` describes, read from `env`, frozen. An empty value counts as not set. Throws a
 * ConfigurationError that lists every wrong and every missing variable; secrets are not echoed.
 */
export function loadConfig<Properties extends TProperties>(
  schema: TObject<Properties>,
  env: NodeJS.ProcessEnv = process.env,
): Readonly<Static<TObject<Properties>>> {
  const problems: ConfigurationProblem[] = [];
  const config: Record<string, unknown> = {};
  const properties = schema.properties as TProperties as Readonly<Record<string, TSchema & Field>>;
  const required = new Set<unknown>(Array.isArray(schema.required) ? schema.required : []);
  const isSet = (name: string): boolean => (env[name] ?? '').trim() !== '';

  for (const [name, property] of Object.entries(properties)) {
    const text = env[name];
    if (text === undefined || !isSet(name)) {
      if (property.default !== undefined) config[name] = property.default;
      else if (required.has(name)) problems.push({ name, message: missing(property) });
      continue;
    }
    const value = fromText(text, property);
    if (property.secret === true) rememberSecret(text.trim());
    if (Value.Check(property, value)) config[name] = value;
    else {
      const got = property.secret === true ? 'a value that is not shown' : JSON.stringify(redactText(text));
      problems.push({ name, message: `expected ${describeExpected(property)}; got ${got}` });
    }
    for (const other of property.needs ?? []) {
      if (isSet(other) || problems.some((problem) => problem.name === other)) continue;
      problems.push({ name: other, message: `expected a value, because ${name} is set; it is not set` });
    }
  }
  if (problems.length > 0) throw new ConfigurationError(problems);
  // Checked field by field above; the schema's own type is not derivable from that loop.
  return Object.freeze(config) as Readonly<Static<TObject<Properties>>>;
}
