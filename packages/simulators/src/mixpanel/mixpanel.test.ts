import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { MixpanelOptions, MixpanelPlatform, Sink } from '../index.ts';
import { MIXPANEL_PROJECT, createMixpanelSimulator } from '../index.ts';

const NOW = Date.UTC(2026, 8, 20, 12);
const [ACCOUNT] = MIXPANEL_PROJECT.serviceAccounts;
assert.ok(ACCOUNT);

interface Answer {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly text: string;
  readonly body: Record<string, unknown>;
}
type Failed = readonly { readonly index: number; readonly field: string; readonly message: string }[];

function create(options: MixpanelOptions = {}): Sink<MixpanelPlatform> {
  return createMixpanelSimulator({ now: () => NOW, ...options });
}

const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
const AUTHORIZATION = basic(ACCOUNT.username, ACCOUNT.secret);

async function post(
  simulator: Sink<MixpanelPlatform>,
  url: string,
  payload: string | Buffer,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const { statusCode, headers: answered, body } = await simulator.app.inject({ method: 'POST', url, payload, headers });
  const isJson = /^[{[]/.test(body);
  return {
    status: statusCode,
    headers: answered,
    text: body,
    body: isJson ? (JSON.parse(body) as Answer['body']) : {},
  };
}

const IMPORT = `/import?strict=1&project_id=${MIXPANEL_PROJECT.id}`;

function send(
  simulator: Sink<MixpanelPlatform>,
  records: unknown,
  headers: Record<string, string> = {},
  url = IMPORT,
): Promise<Answer> {
  const json = { 'content-type': 'application/json', authorization: AUTHORIZATION };
  return post(simulator, url, JSON.stringify(records), { ...json, ...headers });
}

let made = 0;
function eventOf(properties: Record<string, unknown> = {}, name: unknown = 'Email Opened'): Record<string, unknown> {
  const own = { time: NOW - 60_000, distinct_id: 'ada@example.com', $insert_id: `id-${made++}`, ip: 0 };
  return { event: name, properties: { ...own, ...properties } };
}

function failures(answer: Answer): Failed {
  return answer.body['failed_records'] as Failed;
}

test('whom it lets in: service accounts with role and project, the token, the secret of old', async () => {
  const account = { username: 'u', secret: 's' };
  const project = {
    id: '7',
    token: 'tok',
    secret: 'legacy',
    serviceAccounts: [
      account,
      { username: 'analyst', secret: 's', role: 'analyst' as const },
      { username: 'late', secret: 's', expiresAt: NOW - 1 },
    ],
  };
  const simulator = create({ projects: [project, { id: '8', token: 'other', serviceAccounts: [] }] });
  const cases: readonly (readonly [string, string, number])[] = [
    [basic('u', 's'), '/import?strict=1&project_id=7', 200],
    [basic('u', 's'), '/import?strict=1&project_id=8', 401],
    [basic('u', 's'), '/import?strict=1', 401],
    [basic('u', 'wrong'), '/import?strict=1&project_id=7', 401],
    [basic('analyst', 's'), '/import?strict=1&project_id=7', 401],
    [basic('late', 's'), '/import?strict=1&project_id=7', 401],
    [basic('tok', ''), '/import?strict=1', 200],
    [basic('other', ''), '/import?strict=1', 200],
    [basic('legacy', ''), '/import?strict=1', 200],
    [basic('', ''), '/import?strict=1', 401],
    ['Bearer tok', '/import?strict=1', 401],
  ];
  for (const [authorization, url, status] of cases) {
    const answer = await send(simulator, [eventOf()], { authorization }, url);
    assert.equal(answer.status, status, `${authorization} ${url}`);
    if (status === 401)
      assert.deepEqual(answer.body, { code: 401, error: 'Invalid credentials', status: 'Unauthorized' });
  }
  assert.deepEqual([simulator.exportRaw('7').length, simulator.exportRaw('8').length], [3, 1]);
});

test('takes an array or lines, plain or gzip, and refuses any other encoding', async () => {
  const simulator = create();
  const lines = `${JSON.stringify(eventOf())}\n${JSON.stringify(eventOf())}\n`;
  const ndjson = { 'content-type': 'application/x-ndjson', authorization: AUTHORIZATION };
  const json = { 'content-type': 'application/json', authorization: AUTHORIZATION };
  const ok = { code: 200, num_records_imported: 2, status: 'OK' };
  assert.deepEqual((await post(simulator, IMPORT, lines, ndjson)).body, ok);
  const zipped = gzipSync(JSON.stringify([eventOf(), eventOf()]));
  assert.deepEqual((await post(simulator, IMPORT, zipped, { ...json, 'content-encoding': 'gzip' })).body, ok);
  for (const [payload, headers] of [
    [zipped, { ...json, 'content-encoding': 'zstd' }],
    [Buffer.from('no gzip'), { ...json, 'content-encoding': 'gzip' }],
    [Buffer.from('{"event":"x"}'), json],
    [Buffer.from('[{'), json],
  ] as const) {
    const answer = await post(simulator, IMPORT, payload, headers);
    assert.deepEqual([answer.status, answer.body['num_records_imported'], failures(answer)], [400, 0, undefined]);
  }
  assert.equal(simulator.counts().accepted, 4);
});

test('stores the good ones and lists the bad ones by index, in the order of the checks', async () => {
  const simulator = create();
  const nested = { a: { b: { c: { d: 1 } } } };
  const cases: readonly (readonly [Record<string, unknown>, string, RegExp])[] = [
    [eventOf({}, ' '), 'event', /^'event' must not be missing or blank$/],
    [eventOf({}, null), 'event', /missing/],
    [eventOf({ time: undefined }), 'properties.time', /^'properties\.time' is invalid: must not be missing$/],
    [eventOf({ time: '2026-09-20' }), 'properties.time', /must be specified as seconds since epoch/],
    [eventOf({ time: NOW + 3_600_001 }), 'properties.time', /must not be in the future$/],
    [eventOf({ time: 31_535_999 }), 'properties.time', /1971/],
    [eventOf({ distinct_id: 'Anonymous' }), 'properties.distinct_id', /disallowed/],
    [eventOf({ $user_id: '0' }), 'properties.distinct_id', /disallowed/],
    [eventOf({ $insert_id: undefined }), '$insert_id', /missing/],
    [eventOf({ $insert_id: 'a'.repeat(37) }), '$insert_id', /36/],
    [
      eventOf({ $insert_id: 'topic:1:2' }),
      '$insert_id',
      /^'\$insert_id' is invalid: must only contain alphanumeric or hyphen '-' characters$/,
    ],
    [eventOf({ $insert_id: 'null' }), '$insert_id', /disallowed/],
    [eventOf(Object.fromEntries(Array.from({ length: 255 }, (_, i) => [`p${i}`, i]))), 'properties', /255/],
    [eventOf({ nested }), 'properties.nested', /3 levels/],
    [eventOf({ list: Array.from({ length: 255 }, () => 1) }), 'properties.list', /255 elements/],
    [eventOf({ list: ['x'.repeat(8200)] }), 'properties.list', /8192 bytes/],
    [eventOf({ text: 'x'.repeat(1024 * 1024) }), '', /1 MB/],
  ];
  const records = cases.flatMap(([record]) => [eventOf(), record]);
  const answer = await send(simulator, records);
  assert.equal(answer.status, 400);
  assert.equal(answer.body['error'], 'some data points in the request failed validation');
  assert.equal(answer.body['num_records_imported'], cases.length);
  const failed = failures(answer);
  assert.deepEqual(
    failed.map(({ index }) => index),
    cases.map((_, i) => i * 2 + 1),
  );
  cases.forEach(([, field, message], i) => {
    assert.equal(failed[i]?.field, field);
    assert.match(failed[i]?.message ?? '', message);
  });
  assert.equal(simulator.counts().accepted, cases.length);
  assert.equal(simulator.counts().refused, cases.length);
  const silent = await send(simulator, records, {}, IMPORT.replace('strict=1', 'strict=0'));
  assert.deepEqual([silent.status, silent.body['num_records_imported']], [200, cases.length]);
});

test('broken UTF-8 fails its own record and names the property', async () => {
  const simulator = create();
  const good = JSON.stringify(eventOf({ utm_source: 'café' }));
  const broken = Buffer.concat([Buffer.from(`[${good},`), Buffer.from(JSON.stringify(eventOf({ utm_source: 'X' })))]);
  broken[broken.lastIndexOf(0x58)] = 0xff;
  const answer = await post(simulator, IMPORT, Buffer.concat([broken, Buffer.from(']')]), {
    authorization: AUTHORIZATION,
  });
  assert.deepEqual(
    [answer.status, failures(answer).map(({ index, field }) => [index, field])],
    [400, [[1, 'properties.utm_source']]],
  );
  assert.match(simulator.exportRaw()[0]?.properties ?? '', /café/);
});

test('time is seconds or milliseconds; within the hour ahead it becomes now', async () => {
  const simulator = create();
  const seconds = Math.floor(NOW / 1000) - 5;
  await send(simulator, [eventOf({ time: seconds }), eventOf({ time: NOW - 7 }), eventOf({ time: NOW + 3_600_000 })]);
  assert.deepEqual(
    simulator.exportRaw().map(({ time }) => time),
    [seconds * 1000, NOW - 7, NOW],
  );
});

test('the person is derived from user and device ids, and need not be there unless ids merge as of old', async () => {
  const simulator = create();
  await send(simulator, [
    eventOf({ $user_id: 'u1', $device_id: 'd1' }),
    eventOf({ $device_id: 'd1' }),
    eventOf({ distinct_id: '' }),
    eventOf({ distinct_id: undefined }),
  ]);
  assert.deepEqual(
    simulator.exportRaw().map(({ distinctId }) => distinctId),
    ['u1', '$device:d1', '', 'hash-of-the-senders-ip'],
  );
  const original = create({ idMerge: 'original' });
  const answer = await send(original, [eventOf({ distinct_id: undefined })]);
  assert.match(failures(answer)[0]?.message ?? '', /^'properties\.distinct_id' is invalid: must not be missing$/);
});

test('identity events take their whole request with them on a simplified project', async () => {
  const answer = await send(create(), [eventOf(), eventOf({}, '$identify')]);
  const said = 'identity events are not allowed when project is using simplified identity management';
  assert.deepEqual(
    [answer.status, answer.body['failed_records'], answer.body['num_records_imported']],
    [400, [said], 0],
  );
  assert.equal((await send(create({ idMerge: 'original' }), [eventOf({}, '$identify')])).status, 200);
});

test('cuts long texts, drops the address, sets aside ignored events and those beyond the hot shard', async () => {
  const simulator = create({ hotShardEvents: 2 });
  await send(simulator, [
    eventOf({ text: 'x'.repeat(300), list: ['y'.repeat(300)] }),
    eventOf({ ip: '1.2.3.4' }),
    eventOf({ $ignore: true }),
    eventOf({ campaign: 'c' }),
  ]);
  const [first, second, hot] = simulator.exportRaw();
  assert.deepEqual(JSON.parse(first?.properties ?? ''), { text: 'x'.repeat(255), list: ['y'.repeat(255)] });
  assert.deepEqual(JSON.parse(second?.properties ?? ''), { $city: 'where the sender stands' });
  assert.deepEqual([hot?.event, hot?.distinctId, simulator.exportRaw().length], ['$hotshard_events', '', 3]);
  assert.deepEqual(JSON.parse(hot?.properties ?? ''), {
    campaign: 'c',
    mp_original_event_name: 'Email Opened',
    mp_original_distinct_id: 'ada@example.com',
  });
});

test('limits of a request: bytes uncompressed, with the number in force, and 2000 records', async () => {
  const simulator = create({ byteLimit: 2_097_152 });
  const large = JSON.stringify([eventOf({ text: 'x'.repeat(2_100_000) })]);
  const headers = { authorization: AUTHORIZATION, 'content-encoding': 'gzip' };
  const answer = await post(simulator, IMPORT, gzipSync(large), headers);
  assert.deepEqual(
    [answer.status, answer.body],
    [413, { code: 413, error: 'request exceeds max limit of 2097152 bytes', status: 'Request Entity Too Large' }],
  );
  assert.equal(
    (
      await send(
        simulator,
        Array.from({ length: 2001 }, () => eventOf()),
      )
    ).status,
    413,
  );
  assert.equal(
    (
      await send(
        simulator,
        Array.from({ length: 2000 }, () => eventOf()),
      )
    ).status,
    200,
  );
  const strict = create({ oversizedEvent: 'request' });
  assert.equal((await send(strict, [eventOf(), eventOf({ text: 'x'.repeat(1024 * 1024) })])).status, 413);
  assert.equal(strict.counts().accepted, 0);
});

test('the minute rolls: what was refused is spent too, and no Retry-After is sent unless wanted', async () => {
  let at = NOW;
  const simulator = create({ now: () => at, budget: { events: 3, bytes: 1e9, spanMs: 60_000 } });
  const two = (): Promise<Answer> => send(simulator, [eventOf(), eventOf()]);
  assert.equal((await two()).status, 200);
  at += 30_000;
  const refused = await two();
  assert.deepEqual([refused.status, refused.headers['retry-after']], [429, undefined]);
  assert.equal(
    refused.body['error'],
    'Project exceeded rate limits. Please retry the request with exponential backoff.',
  );
  at += 30_000;
  assert.equal((await two()).status, 429, 'the refused two of 30 s ago and these are four');
  at += 60_000;
  simulator.configure({ retryAfter: 5 });
  assert.equal((await two()).status, 200);
  assert.equal((await two()).headers['retry-after'], '5');
  assert.equal(simulator.counts().accepted, 4);
});

test('keeps every copy; a report shows tuples once, the last; a compaction merges a day', async () => {
  const simulator = create();
  const copy = (more: Record<string, unknown>): Record<string, unknown> =>
    eventOf({ $insert_id: 'same', time: NOW - 1000, ...more });
  await send(simulator, [copy({ n: 1 }), copy({ n: 2 }), copy({ time: NOW - 2000 }), copy({ time: NOW - 86_400_000 })]);
  await send(simulator, [copy({ distinct_id: 'bob@example.com' }), { ...copy({}), event: 'Email Clicked' }]);
  assert.equal(simulator.exportRaw().length, 6);
  assert.equal(simulator.query().length, 5);
  assert.deepEqual(JSON.parse(simulator.query()[0]?.properties ?? ''), { n: 2 });
  assert.deepEqual(
    simulator.compact().map(({ serial }) => serial),
    [2, 3, 4, 5],
  );
  assert.deepEqual(simulator.counts(), { requests: 2, accepted: 6, visible: 5, refused: 0, profiles: 0, updates: 0 });
});

test('stored, and the reply lost: the copy sent again is visible once', async () => {
  const simulator = create();
  const origin = await simulator.app.listen({ port: 0, host: '127.0.0.1' });
  try {
    const body = JSON.stringify([eventOf()]);
    const headers = { authorization: AUTHORIZATION, 'content-type': 'application/json' };
    const attempt = (): Promise<Response> => fetch(`${origin}${IMPORT}`, { method: 'POST', headers, body });
    simulator.control.fault({ kind: 'loseReply' });
    await assert.rejects(attempt());
    simulator.control.fault({ kind: 'dropRequest' });
    await assert.rejects(attempt());
    assert.equal((await attempt()).status, 200);
    assert.deepEqual([simulator.counts().accepted, simulator.counts().visible], [2, 1]);
    simulator.control.fault({ kind: 'late', ms: 150 });
    await assert.rejects(
      fetch(`${origin}${IMPORT}`, { method: 'POST', headers, body, signal: AbortSignal.timeout(30) }),
    );
    const deadline = Date.now() + 5000;
    while (simulator.counts().accepted < 3 && Date.now() < deadline) await new Promise((turn) => setImmediate(turn));
    assert.equal(simulator.counts().accepted, 3, 'done although its caller went away');
  } finally {
    await simulator.app.close();
  }
});

test('faults answer as the API or as the proxy before it does', async () => {
  const simulator = create();
  const { control } = simulator;
  control.fault({ kind: 'status', status: 502 });
  assert.equal((await send(simulator, [eventOf()])).text, 'upstream connect error or disconnect/reset before headers');
  control.fault({ kind: 'status', status: 429 });
  assert.equal((await send(simulator, [eventOf()])).body['code'], 429);
  control.fault({ kind: 'rejectKey', probability: 1 });
  for (let i = 0; i < 3; i++) assert.equal((await send(simulator, [eventOf()])).status, 401);
  control.clearFaults();
  simulator.configure({ insertIdKey: '$insert_id', refusals: [{ property: 'campaign', value: 'x', message: 'no' }] });
  const answer = await send(simulator, [eventOf({ campaign: 'x', $insert_id: 'mine' }), eventOf({ campaign: 'y' })]);
  assert.deepEqual(failures(answer), [
    { index: 0, $insert_id: 'mine', field: 'properties.campaign', message: "'properties.campaign' is invalid: no" },
  ]);
  assert.throws(() => simulator.configure({ nonsense: 1 }), /nonsense/);
  assert.throws(() => simulator.configure({ byteLimit: 'large' }), /byteLimit/);
});

test('profile updates: the operators, and 200 whatever was refused', async () => {
  const simulator = create();
  const { token } = MIXPANEL_PROJECT;
  const update = (more: Record<string, unknown>): Record<string, unknown> => ({
    $token: token,
    $distinct_id: 'ada',
    $ip: '0',
    $ignore_time: true,
    ...more,
  });
  const engage = (records: unknown, query = '?verbose=1&strict=1'): Promise<Answer> =>
    post(simulator, `/engage${query}`, JSON.stringify(records), { 'content-type': 'application/json' });
  const fine = await engage([
    update({ $set: { a: 1, list: [1] } }),
    update({ $set_once: { a: 2, b: 2 } }),
    update({ $add: { a: 5 } }),
    update({ $union: { list: [1, 2] } }),
    update({ $append: { list: 2 } }),
    update({ $remove: { list: 1 } }),
    update({ $unset: ['b'] }),
    update({ $distinct_id: 'gone', $set: { a: 1 } }),
    update({ $distinct_id: 'gone', $delete: '' }),
    update({ $distinct_id: 'seen', $ip: undefined, $ignore_time: false, $set: {} }),
    update({ $token: 'of no project', $distinct_id: 'lost', $set: { a: 1 } }),
  ]);
  assert.deepEqual([fine.status, fine.body], [200, { status: 1, error: null, num_good_events: 11 }]);
  assert.deepEqual(Object.fromEntries(simulator.profiles()), {
    ada: { a: 6, list: [2, 2] },
    seen: { $last_seen: '2026-09-20T12:00:00', $city: 'where the sender stands' },
  });
  assert.equal(simulator.profileUpdates().length, 10);

  const bad = [
    update({ $set: { a: 9 } }),
    update({ $add: { a: 'x' } }),
    update({ $distinct_id: undefined }),
    update({}),
  ];
  const refused = await engage(bad);
  assert.equal(refused.status, 200);
  assert.deepEqual([refused.body['status'], refused.body['num_good_events']], [0, 1]);
  assert.deepEqual(
    (refused.body['failed_records'] as Failed).map(({ index }) => index),
    [1, 2, 3],
  );
  assert.equal((await engage(bad, '')).text, '1', 'one was good');
  assert.equal((await engage(bad.slice(1), '')).text, '0');
  assert.equal(simulator.profiles().get('ada')?.['a'], 9);
});

test('/track answers 1 as soon as one was good, and loses what is older than five days', async () => {
  const simulator = create();
  const { token } = MIXPANEL_PROJECT;
  const track = (records: unknown): Promise<Answer> =>
    post(simulator, '/track', new URLSearchParams({ data: JSON.stringify(records) }).toString(), {
      'content-type': 'application/x-www-form-urlencoded',
    });
  assert.equal((await track([eventOf({ token }), eventOf()])).text, '1');
  assert.equal((await track(eventOf({ token, time: NOW - 6 * 86_400_000 }))).text, '1');
  assert.equal((await track([eventOf()])).text, '0');
  assert.equal(simulator.counts().accepted, 1);
});

test('the ledger gives each view, also over HTTP, and says which there are', async () => {
  const simulator = create();
  await send(simulator, [eventOf({ $insert_id: 'one', n: 1 }), eventOf({ $insert_id: 'one', n: 1 })]);
  const lines = (view?: string): readonly string[] => [...simulator.ledger.lines(view === undefined ? {} : { view })];
  assert.deepEqual([lines('raw').length, lines().length, lines('compact').length], [2, 1, 1]);
  assert.deepEqual(JSON.parse(lines()[0] ?? ''), {
    project: MIXPANEL_PROJECT.id,
    serial: 1,
    event: 'Email Opened',
    distinctId: 'ada@example.com',
    time: NOW - 60_000,
    insertId: 'one',
    properties: { n: 1 },
  });
  const get = (url: string): Promise<{ readonly statusCode: number; readonly body: string }> =>
    simulator.app.inject({ url });
  assert.equal((await get('/_control/ledger?platform=mixpanel&view=raw')).body, `${lines('raw').join('\n')}\n`);
  assert.equal((await get('/_control/ledger?platform=mixpanel&view=none')).statusCode, 400);
  assert.equal(
    (JSON.parse((await get('/_control/counts?platform=mixpanel')).body) as { accepted: number }).accepted,
    2,
  );
  const advance = await simulator.app.inject({
    method: 'POST',
    url: '/_control/advance',
    payload: { platform: 'mixpanel' },
  });
  assert.equal(advance.statusCode, 400);
  const set = { platform: 'mixpanel', byteLimit: 10 };
  assert.equal(
    (await simulator.app.inject({ method: 'POST', url: '/_control/settings', payload: set })).statusCode,
    200,
  );
  assert.equal((await send(simulator, [eventOf()])).status, 413);
});
