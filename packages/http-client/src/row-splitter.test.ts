import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { readJsonRows } from './json-rows.ts';
import { JsonStreamError } from './json-stream-error.ts';
import { RowSplitter, type OversizedRow, type RowSplitterOptions } from './row-splitter.ts';

const top: RowSplitterOptions = { array: 'top', maxRowBytes: 1e6 };
const data: RowSplitterOptions = { array: { field: 'data' }, maxRowBytes: 1e6 };

/** Cuts `bytes` at the given places, wherever they fall in the document. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const edges = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...edges].map((from, index) => Buffer.from(bytes.subarray(from, edges[index] ?? bytes.length)));
}

function split(text: string | Buffer, options: RowSplitterOptions, places: readonly number[] = []) {
  const splitter = new RowSplitter(options);
  const rows: Buffer[] = [];
  for (const chunk of cut(Buffer.from(text), places)) splitter.push(chunk, rows);
  const envelope = splitter.finish();
  return { rows: rows.map((row) => row.toString()), ...envelope };
}

const everyByte = (text: string): number[] => Array.from({ length: Buffer.byteLength(text) }, (_, at) => at);

const nasty = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: fc.constantFrom('"', '\\', '\\"', '{', '}', '[', ']', ',', ':', 'é', '😀', '\u2028', '\n', ' ') }),
  fc.string({ unit: 'grapheme', minLength: 60, maxLength: 300 }),
  fc.string({ unit: fc.constantFrom('"', '\\', 'x'), minLength: 60, maxLength: 300 }),
);
const json = fc.letrec<{ value: fc.JsonValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    nasty,
    fc.constantFrom(null, true, false, 0, -1.5e-7, 1e21),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(nasty, tie('value'), { maxKeys: 5, noNullPrototype: true }),
  ),
})).value;
const indents = fc.constantFrom('', ' ', '\t', '  \n');
const places = fc.array(fc.nat(), { maxLength: 12 });

test('the rows of an array are what JSON.parse finds in it, cut anywhere', () => {
  fc.assert(
    fc.property(fc.array(json), indents, places, (values, indent, at) => {
      const text = JSON.stringify(values, null, indent);
      const { rows, found, value } = split(text, top, at);
      assert.equal(found, true);
      assert.deepEqual(value, []);
      assert.deepEqual(
        rows.map((row) => JSON.parse(row) as unknown),
        JSON.parse(text),
      );
    }),
    { numRuns: 500 },
  );
});

test('the rows under a key, and the rest around them, are what JSON.parse finds, cut anywhere', () => {
  const around = fc.dictionary(
    nasty.filter((key) => key !== 'data' && key !== '__proto__'),
    json,
    { maxKeys: 4, noNullPrototype: true },
  );
  fc.assert(
    fc.property(around, fc.array(json), around, indents, places, (before, values, after, indent, at) => {
      const text = JSON.stringify({ ...before, data: values, ...after }, null, indent);
      const { rows, found, value } = split(text, data, at);
      const expected = JSON.parse(text) as Record<string, unknown>;
      assert.equal(found, true);
      assert.deepEqual(
        rows.map((row) => JSON.parse(row) as unknown),
        expected['data'],
      );
      assert.deepEqual(value, { ...expected, data: [] });
    }),
    { numRuns: 500 },
  );
});

test('each row is exactly the bytes of its element, without the white space around it', () => {
  const text = ' [ {"a" : "\\u00e9 ] \\" }"} ,\t[1, 2]\n, "x,]" ,-1.5e3 , null,true] \n';
  const expected = ['{"a" : "\\u00e9 ] \\" }"}', '[1, 2]', '"x,]"', '-1.5e3', 'null', 'true'];
  assert.deepEqual(split(text, top).rows, expected);
  assert.deepEqual(split(text, top, everyByte(text)).rows, expected);
});

test('characters of several bytes and escapes survive a cut between any two bytes', () => {
  const text = JSON.stringify({ data: [{ é: '😀\\"\\\\ü' }, '\\', '"', '\\\\"'], '"\\': 1 });
  const whole = JSON.parse(text) as { data: unknown[] };
  for (const place of everyByte(text)) {
    const { rows } = split(text, data, [place, place + 1]);
    assert.deepEqual(
      rows.map((row) => JSON.parse(row) as unknown),
      whole.data,
    );
  }
});

test('a document without the array is given whole, as not found', () => {
  const cases: readonly (readonly [string, RowSplitterOptions, unknown])[] = [
    ['{}', top, {}],
    ['{"data":[1]}', top, { data: [1] }],
    ['"text"', top, 'text'],
    [' 12 ', top, 12],
    ['{}', data, {}],
    ['{"success":false,"error":"no such campaign"}', data, { success: false, error: 'no such campaign' }],
    ['{"data":null}', data, { data: null }],
    ['{"data":{"data":[1]}}', data, { data: { data: [1] } }],
    ['{"a":{"data":[1]},"b":["data",[2]]}', data, { a: { data: [1] }, b: ['data', [2]] }],
    ['[1,{"data":[2]}]', data, [1, { data: [2] }]],
    ['["data",[1]]', data, ['data', [1]]],
  ];
  for (const [text, options, value] of cases) {
    assert.deepEqual(split(text, options), { rows: [], found: false, value }, text);
    assert.deepEqual(split(text, options, everyByte(text)), { rows: [], found: false, value }, text);
  }
});

test('the key of the array is found however it is written', () => {
  assert.deepEqual(split('{"d\\u0061ta" : [1]}', data).rows, ['1']);
  assert.deepEqual(split('{"data":null,"data":[1]}', data).rows, ['1']);
  assert.deepEqual(split('{"total":{"data":[9]},"data":[]}', data), {
    rows: [],
    found: true,
    value: { total: { data: [9] }, data: [] },
  });
});

const codeOf = (text: string | Buffer, options: RowSplitterOptions, at: readonly number[] = []): string => {
  try {
    for (const row of split(text, options, at).rows) JSON.parse(row);
    return 'none';
  } catch (error) {
    if (error instanceof JsonStreamError) return error.code;
    if (error instanceof SyntaxError) return 'row';
    throw error;
  }
};

test('what is cut off, or goes on after its end, is refused', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['', 'empty'],
    [' \n', 'empty'],
    ['[', 'truncated'],
    ['[1', 'truncated'],
    ['[1,', 'truncated'],
    ['["a', 'truncated'],
    ['["a\\', 'truncated'],
    ['[{"a":[1]', 'truncated'],
    ['{"a', 'truncated'],
    ['[1,]', 'invalid'],
    ['[,1]', 'invalid'],
    ['[1 2]', 'invalid'],
    ['[{}{}]', 'invalid'],
    ['["a""b"]', 'invalid'],
    ['[1:2]', 'invalid'],
    ['[1]]', 'invalid'],
    ['[1] x', 'invalid'],
    ['[1][2]', 'invalid'],
    ['[1}', 'invalid'],
    ['\ufeff[1]', 'invalid'],
    ['[{]]', 'row'],
    ['[tru]', 'row'],
    ['["a\nb"]', 'row'],
  ];
  for (const [text, code] of cases) {
    assert.equal(codeOf(text, top), code, text);
    assert.equal(codeOf(text, top, everyByte(text)), code, text);
  }
  assert.equal(codeOf('{"data":[1],"data":[2]}', data), 'invalid');
  assert.equal(codeOf('{"data":[1],"total"}', data), 'invalid');
  assert.equal(codeOf('{"data":[1]', data), 'truncated');
  assert.equal(codeOf('{"data":[1]}}', data), 'invalid');
});

test('no document that JSON.parse refuses passes as whole: bytes lost, doubled, changed or cut off', () => {
  const edits = fc.array(
    fc.tuple(
      fc.constantFrom('drop', 'double', 'change', 'cut'),
      fc.nat(),
      fc.constantFrom('"', '\\', '{', '}', '[', ']', ',', ':', ' ', 'x', '0'),
    ),
    {
      minLength: 1,
      maxLength: 3,
    },
  );
  fc.assert(
    fc.property(fc.array(json, { minLength: 1 }), edits, fc.boolean(), places, (values, changes, nested, at) => {
      let text = JSON.stringify(nested ? { total: '3', data: values, offset: 0 } : values);
      for (const [how, seed, byte] of changes) {
        const place = seed % (text.length + 1);
        const tail = text.slice(place + 1);
        const char = text.charAt(place);
        text = text.slice(0, place) + { drop: tail, double: char + char + tail, change: byte + tail, cut: '' }[how];
      }
      let valid = true;
      try {
        JSON.parse(text);
      } catch {
        valid = false;
      }
      if (!valid) assert.notEqual(codeOf(text, nested ? data : top, at), 'none', text);
    }),
    { numRuns: 2000 },
  );
});

test('the message of an error shows nothing of the document', () => {
  for (const text of ['[secret-word]]', '{"a":secret-word}', '[{} secret-word']) {
    assert.throws(
      () => split(text, top),
      (error: unknown) => error instanceof JsonStreamError && !String(error.stack).includes('secret-word'),
    );
  }
});

test('a row over the limit is refused, in whatever pieces it comes', () => {
  const text = JSON.stringify(['a'.repeat(98), 'b'.repeat(99), 1]);
  assert.equal(codeOf(text, { array: 'top', maxRowBytes: 101 }), 'none');
  for (const at of [[], everyByte(text), [104, 150]]) {
    assert.equal(codeOf(text, { array: 'top', maxRowBytes: 100 }, at), 'row-too-large');
  }
});

test('a row over the limit can be set aside with its head, size and hash, and the rest goes on', () => {
  const huge = { id: 1, html: '<p>"é"</p>'.repeat(20_000) };
  const text = JSON.stringify([0, huge, 2]);
  const bytes = Buffer.from(JSON.stringify(huge));
  for (const at of [[], [1000, 70_000, 70_001], [4, bytes.length + 2]]) {
    const aside: OversizedRow[] = [];
    const { rows } = split(text, { array: 'top', maxRowBytes: 1000, onOversized: (row) => aside.push(row) }, at);
    assert.deepEqual(rows, ['0', '2']);
    assert.deepEqual(aside, [
      {
        head: bytes.subarray(0, 65_536),
        sizeBytes: bytes.length,
        sha256: createHash('sha256').update(bytes).digest('hex'),
      },
    ]);
  }
});

test('what stands around the rows is bounded too', () => {
  const text = JSON.stringify({ html: 'x'.repeat(2000), data: [1] });
  assert.equal(codeOf(text, { ...data, maxEnvelopeBytes: 1000 }), 'envelope-too-large');
  assert.equal(codeOf(text, { ...data, maxEnvelopeBytes: 3000 }), 'none');
});

test('rows can be read from a body while it comes, and the envelope after them', async () => {
  const text = JSON.stringify({ total_stats: '2', data: [{ a: 1 }, { b: 2 }], offset: 0, limit: 100 });
  async function* body() {
    for (const chunk of cut(Buffer.from(text), [5, 30, 40])) yield chunk;
  }
  const rows = readJsonRows(body(), data);
  assert.throws(() => rows.envelope, /only after the last row/);
  const seen: string[] = [];
  for await (const row of rows) seen.push(row.toString());
  assert.deepEqual(seen, ['{"a":1}', '{"b":2}']);
  assert.deepEqual(rows.envelope, { found: true, value: { total_stats: '2', data: [], offset: 0, limit: 100 } });
});

test('a body of 64 MB of rows passes through without being held', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const row = Buffer.from(`${JSON.stringify({ html: '<p class="a">x</p>'.repeat(550) })},`);
  const rowCount = 6000;
  const chunks: WeakRef<Buffer>[] = [];
  let mostHeld = 0;
  async function* body() {
    yield Buffer.from('{"data":[');
    for (let index = 0; index < rowCount; index += 1) {
      if (index % 1000 === 999) {
        // A weak reference holds its target to the end of the turn that made it.
        await turn();
        collect();
        mostHeld = Math.max(mostHeld, chunks.filter((chunk) => chunk.deref() !== undefined).length);
      }
      const chunk = Buffer.from(row);
      chunks.push(new WeakRef(chunk));
      yield chunk;
    }
    yield Buffer.from('0]}');
  }
  let count = 0;
  for await (const _row of readJsonRows(body(), data)) count += 1;
  assert.equal(count, rowCount + 1);
  assert.ok(mostHeld <= 3, `${mostHeld} chunks held`);
});
