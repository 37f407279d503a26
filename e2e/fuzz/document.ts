import { Ajv2020 } from 'ajv/dist/2020.js';

export type Schema = Readonly<Record<string, unknown>>;

export interface Parameter {
  readonly in: 'path' | 'query' | 'header';
  readonly name: string;
  readonly schema: Schema;
}

/** One endpoint as `/openapi.json` describes it. */
export interface Operation {
  /** `POST /api/full-sync/execute` */
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly Parameter[];
  /** Null where none is described. */
  readonly body: Schema | null;
  /** By status: the schemas by content type; none where the answer has no body. */
  readonly responses: Readonly<Record<string, Readonly<Record<string, Schema>>>>;
}

export interface Reply {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
}

export interface ApiDocument {
  readonly operations: readonly Operation[];
  /** What is wrong with an answer to an operation, or null; of a request that fits no operation, `operation` is null. */
  readonly faultOf: (operation: Operation | null, reply: Reply) => string | null;
}

interface DescribedOperation {
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema?: Schema }>> }>
  >;
}

const problemType = 'application/problem+json';
const dateTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
/** A frame of a stack, or a place in our source. */
const innards = /\n\s+at .+:\d+:\d+|node_modules|(?:src|dist)\/[\w/-]+\.[jt]s\b/;

/** Reads the document of the API at `url`. Throws when it holds fewer operations than any release has had. */
export async function readDocument(url: string): Promise<ApiDocument> {
  const document = (await (await fetch(`${url}/openapi.json`)).json()) as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, DescribedOperation>>>>;
  };
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, described]) => toOperation(method.toUpperCase(), path, described)),
  );
  if (operations.length < 20) throw new Error(`only ${operations.length} operations in /openapi.json`);
  const ajv = new Ajv2020({ strict: false, formats: { 'date-time': dateTime } });
  const refusing = operations.find(({ responses }) => responses['400'] !== undefined);
  const problem = refusing?.responses['400']?.[problemType];
  if (problem === undefined) throw new Error('no problem is described in /openapi.json');

  const bodyFault = (schema: Schema, type: string, text: string): string | null => {
    if (type === 'text/plain') return text === '' ? 'empty' : null;
    const values = type === 'text/event-stream' ? eventsIn(text) : [text];
    for (const value of values) {
      const parsed = parse(value);
      if (parsed === undefined) return `no JSON: ${value.slice(0, 200)}`;
      if (!ajv.validate(schema, parsed)) return `does not fit its schema: ${ajv.errorsText()}`;
    }
    return null;
  };
  const replyFault = (operation: Operation | null, { status, contentType, text }: Reply): string | null => {
    if (status >= 500) return 'a failure of the server';
    if (innards.test(text)) return 'shows its innards';
    if (operation === null && (status < 400 || contentType === 'none')) return 'expected a refusal';
    const described: Readonly<Record<string, Schema>> | undefined =
      operation === null ? { [problemType]: problem } : operation.responses[String(status)];
    if (described === undefined) return 'a status that is not described';
    if (Object.keys(described).length === 0) return text === '' ? null : 'a body that is not described';
    const type = contentType.split(';')[0] ?? '';
    const schema = described[type];
    if (schema === undefined) return `a content type that is not described: ${contentType}`;
    if (status >= 400 && type === problemType) {
      const told: unknown = parse(text);
      if (typeof told !== 'object' || told === null || !('status' in told) || told.status !== status)
        return 'the problem tells another status';
    }
    return bodyFault(schema, type, text);
  };
  return {
    operations,
    faultOf: (operation, reply) => {
      const fault = replyFault(operation, reply);
      return fault === null ? null : `${reply.status}: ${fault}; ${reply.text.slice(0, 500)}`;
    },
  };
}

function toOperation(method: string, path: string, described: DescribedOperation): Operation {
  const responses = Object.entries(described.responses).map(([status, { content = {} }]) => [
    status,
    Object.fromEntries(Object.entries(content).map(([type, { schema = {} }]) => [type, schema])),
  ]);
  return {
    name: `${method} ${path}`,
    method,
    path,
    parameters: described.parameters ?? [],
    body: described.requestBody?.content['application/json']?.schema ?? null,
    responses: Object.fromEntries(responses),
  };
}

/** The data of the server-sent events that have come whole. */
function eventsIn(text: string): readonly string[] {
  const blocks = text.split('\n\n').slice(0, -1);
  return blocks.flatMap((block) => {
    const data = block.split('\n').flatMap((line) => (line.startsWith('data: ') ? [line.slice(6)] : []));
    return data.length === 0 ? [] : [data.join('\n')];
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
