import fc from 'fast-check';
import type { Operation } from './document.ts';
import { nastyText, nearly, valid } from './values.ts';
import type { Hints } from './values.ts';

/** A request as it goes over the wire. */
export interface WireRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Null: none. One character is one byte, so that it can hold what is no UTF-8. */
  readonly body: string | null;
}

/** Namespaces that the fuzz writes to: few, so that most syncs meet one that holds them already. */
const fuzzNamespaces = ['default', 'fuzz-a', 'fuzz-b'] as const;

const namespace = fc.oneof(
  { arbitrary: fc.constantFrom<string>(...fuzzNamespaces), weight: 3 },
  nastyText.map((text) => `${text}!`),
);
const dates = fc.oneof(
  fc
    .date({ min: new Date('2024-01-01'), max: new Date('2026-12-31'), noInvalidDate: true })
    .map((at) => at.toISOString().slice(0, 10)),
  fc.date({ noInvalidDate: true }).map((at) => at.toISOString()),
  nastyText,
);

/** What fields mean beyond their schemas. `jobIds` are of jobs that exist. No URL here leads to a host that is anybody's. */
export function hintsFor(jobIds: readonly string[]): Hints {
  const platforms = fc.constantFrom(
    'smartlead',
    'lemlist',
    'smartlead,lemlist',
    ['lemlist'],
    ['smartlead', 'lemlist'],
    'mailchimp',
    ',',
  );
  return {
    platforms,
    namespaces: fc.oneof(namespace, fc.array(namespace, { minLength: 1, maxLength: 3 })),
    namespace,
    name: namespace,
    confirm: namespace,
    startDate: dates,
    endDate: dates,
    timestamp: dates,
    jobId: fc.oneof(fc.constantFrom(...jobIds), nastyText),
    id: fc.oneof(fc.integer({ min: -1, max: 50 }).map(String), nastyText),
    webhookUrl: fc.constantFrom(
      'https://hooks.invalid/x',
      'http://127.0.0.1:9/',
      'http://[::1]/',
      'ftp://hooks.invalid/',
      'http://user:pass@hooks.invalid/',
      'nonsense',
      '',
    ),
  };
}

const contentTypes = fc.constantFrom(
  'application/json',
  'application/json',
  'application/x-www-form-urlencoded',
  'text/plain',
  'application/json; charset=utf-16',
  'multipart/form-data; boundary=x',
  'application/xml',
  'nonsense',
  ';',
  'a/b; c="',
);
const oddBodies = fc.constantFrom(
  '',
  ' ',
  '{',
  '[',
  '"',
  '{"a":}',
  "{'a':1}",
  '{"a":1}}',
  'platforms=smartlead',
  'null',
  'true',
  '0',
  '""',
  '[]',
  '{}',
  'NaN',
  '1e999',
  '\u00ff\u00fe{\u0000}\u0000',
  '\u00c3(',
  '{"a":"\u00ed\u00a0\u0080"}',
  '\u00ef\u00bb\u00bf{}',
  '{"\\ud800":1}',
  '{"platforms":"smartlead","platforms":5}',
  '['.repeat(50_000),
  `{"a":${'9'.repeat(5_000)}}`,
  `"${'x'.repeat(1_100_000)}"`,
);
/** Headers that are not the operation's own, each seldom. */
const oddHeaders = fc.oneof(
  { arbitrary: fc.constant({}), weight: 12 },
  fc.record({ 'idempotency-key': fc.constantFrom('a', 'b', ' ', 'x'.repeat(255), 'x'.repeat(256), '\u00e9', 'a b') }),
  fc.record({
    authorization: fc.constantFrom(
      'Bearer YOUR_API_KEY',
      'Bearer ',
      'Basic YTpi',
      'Bearer \u00ff',
      `Bearer ${'x'.repeat(5_000)}`,
    ),
  }),
  fc.record({ accept: fc.constantFrom('text/html', 'nonsense', '*/*', '') }),
  fc.record({ 'accept-encoding': fc.constantFrom('gzip', 'identity;q=0', '*') }),
  fc.record({ 'content-encoding': fc.constantFrom('gzip', 'identity', 'nonsense') }),
  fc.record({ 'if-none-match': fc.constantFrom('*', 'W/"x"', '"', '\u00ff') }),
  fc.record({ 'last-event-id': fc.constantFrom('-1', '0', '1', '9'.repeat(30), 'x', '\u00ff') }),
  fc.record({ origin: fc.constantFrom('null', 'https://pages.invalid', '') }),
  fc.record({ 'x-forwarded-for': fc.constantFrom('1.2.3.4', '\u00ff') }),
  fc.record({ 'x-long': fc.constantFrom('x'.repeat(8_000), 'x'.repeat(20_000)) }),
);

/** Requests to one operation: right ones, and such as miss it in one thing or several. */
export function requestsTo(operation: Operation, hints: Hints): fc.Arbitrary<WireRequest> {
  const inPath = operation.parameters.filter((parameter) => parameter.in === 'path');
  const inQuery = operation.parameters.filter((parameter) => parameter.in === 'query');
  const path = fc.record(
    Object.fromEntries(
      inPath.map(({ name, schema }) => [
        name,
        valid(schema, hints, name)
          .map(String)
          .filter((text) => text !== ''),
      ]),
    ),
  );
  const right = fc.record(Object.fromEntries(inQuery.map(({ name, schema }) => [name, valid(schema, hints, name)])), {
    requiredKeys: [],
  });
  const odd = fc.dictionary(
    fc.constantFrom('', 'x', 'Limit', '__proto__!', ...inQuery.map(({ name }) => name)),
    nastyText,
    { maxKeys: 2 },
  );
  const query = fc.oneof(
    { arbitrary: right, weight: 3 },
    { arbitrary: fc.tuple(right, odd).map(([a, b]) => ({ ...a, ...b })), weight: 2 },
  );
  const schema = operation.body ?? {};
  const json =
    operation.body === null
      ? fc.constantFrom<unknown>({}, null, [], { a: 1 })
      : fc.oneof({ arbitrary: nearly(schema, hints).map(inKeeping), weight: 3 }, nearly(schema, hints));
  const sent = fc.oneof(
    { arbitrary: json.map((value) => Buffer.from(JSON.stringify(value)).toString('latin1')), weight: 12 },
    { arbitrary: oddBodies, weight: 2 },
  );
  const body = ['POST', 'DELETE'].includes(operation.method)
    ? fc.option(sent, { freq: operation.body === null ? 1 : 20 })
    : fc.constant(null);
  return fc.record({ path, query, body, type: contentTypes, headers: oddHeaders }).map((made) => ({
    method: operation.method,
    path: fill(operation.path, made.path) + search(made.query),
    headers: { ...(made.body === null ? {} : { 'content-type': made.type }), ...made.headers },
    body: made.body,
  }));
}

/** Dates where the mode asks for them and nowhere else, as most that are sent have them. */
function inKeeping(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || !('syncMode' in body)) return body;
  if (body.syncMode === 'date_range') return { startDate: '2025-01-01', endDate: '2025-01-31', ...body };
  return Object.fromEntries(Object.entries(body).filter(([name]) => !/^(?:start|end)Date$/.test(name)));
}

/** Requests that belong to no operation: other methods, other paths, paths that are none. */
export function strayRequests(): fc.Arbitrary<WireRequest> {
  return fc.record({
    method: fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'),
    path: fc.oneof(
      nastyText.map((text) => `/${encode(text)}!`),
      fc.constantFrom(
        '/%zz',
        '/api/full-sync/status/%zz',
        '/api/full-sync/status/%C3%28',
        '/api',
        '/api/',
        '/api/full-sync',
        '//',
        '/api/../etc/passwd',
        '/%2e%2e/x',
        '/api//full-sync/history',
        '/API/full-sync/HISTORY',
        '/docs/%2e%2e/%2e%2e/package.json',
        '/docs/static/..%2f..%2fpackage.json',
        '/openapi.json/x',
        `/${'x'.repeat(20_000)}`,
      ),
    ),
    headers: oddHeaders,
    body: fc.constant(null),
  });
}

function fill(path: string, values: Readonly<Record<string, string>>): string {
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encode(values[name] ?? 'x'));
}

function search(query: Readonly<Record<string, unknown>>): string {
  const pairs = Object.entries(query).map(([name, value]) => `${encode(name)}=${encode(String(value))}`);
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed())
    .slice(0, 6_000)
    .replace(/%[0-9A-F]?$/, '');
}
