import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import type { AttioOptions, AttioPlatform, Sink } from '../index.ts';
import { ATTIO_FAULT_BODIES, ATTIO_WORKSPACE, createAttioSimulator, startSimulators } from '../index.ts';

const NOW = Date.UTC(2026, 8, 20, 12, 0, 0, 250);
const [TOKEN] = ATTIO_WORKSPACE.tokens;
assert.ok(TOKEN);
const BEARER = { authorization: `Bearer ${TOKEN.token}` };

type Json = Record<string, unknown>;
interface Answer {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly text: string;
  readonly body: Json;
}

function create(options: AttioOptions = {}): Sink<AttioPlatform> {
  return createAttioSimulator({ now: () => NOW, ...options });
}

type Method = 'GET' | 'PUT' | 'POST' | 'PATCH';

async function ask(
  simulator: Sink<AttioPlatform>,
  method: Method,
  url: string,
  payload?: unknown,
  headers: Record<string, string> = BEARER,
): Promise<Answer> {
  const answer = await simulator.app.inject({
    method,
    url,
    headers,
    ...(payload === undefined ? {} : { payload: payload as object }),
  });
  const { statusCode: status, headers: answered, body: text } = answer;
  return { status, headers: answered, text, body: text.startsWith('{') ? (JSON.parse(text) as Json) : {} };
}

const ASSERT = '/v2/objects/people/records?matching_attribute=email_addresses';

function assertPerson(simulator: Sink<AttioPlatform>, values: Json): Promise<Answer> {
  return ask(simulator, 'PUT', ASSERT, { data: { values } });
}

function idOf(answer: Answer): string {
  return ((answer.body['data'] as Json)['id'] as Json)['record_id'] as string;
}

function shown(answer: Answer, slug: string): readonly Json[] {
  return ((answer.body['data'] as Json)['values'] as Json)[slug] as readonly Json[];
}

async function createAttribute(
  simulator: Sink<AttioPlatform>,
  slug: string,
  type: string,
  more: Json = {},
  owner = 'objects/people',
): Promise<Answer> {
  return ask(simulator, 'POST', `/v2/${owner}/attributes`, {
    data: {
      title: slug,
      description: null,
      api_slug: slug,
      type,
      is_required: false,
      is_unique: false,
      is_multiselect: false,
      config: {},
      ...more,
    },
  });
}

test('who it lets in: /self answers to dead tokens, all else refuses them; scopes decide', async () => {
  const reader = { token: 'a-token-that-may-only-read', scopes: ['record_permission:read'] };
  const simulator = create({ workspaces: [{ ...ATTIO_WORKSPACE, tokens: [TOKEN, reader] }] });
  const alive = await ask(simulator, 'GET', '/v2/self');
  assert.equal(alive.body['active'], true);
  assert.match(String(alive.body['scope']), /record_permission:read-write/);
  const dead = await ask(simulator, 'GET', '/v2/self', undefined, { authorization: 'Bearer 0123456789abcdef0123' });
  assert.deepEqual([dead.status, dead.body], [200, { active: false }]);
  for (const headers of [{ authorization: '' }, { authorization: 'Bearer x' }, { authorization: 'nonsense' }]) {
    const { status, body } = await ask(simulator, 'GET', '/v2/self', undefined, headers);
    assert.deepEqual([status, body['code']], [400, 'missing_value']);
  }
  const wrong = await ask(simulator, 'GET', '/v2/objects/people', undefined, {
    authorization: 'Bearer 0123456789abcdef',
  });
  assert.deepEqual([wrong.status, wrong.body['code'], wrong.body['type']], [401, 'unauthorized', 'auth_error']);
  const basic = Buffer.from(`${TOKEN.token}:`).toString('base64');
  assert.equal(
    (await ask(simulator, 'GET', '/v2/objects/people', undefined, { authorization: `Basic ${basic}` })).status,
    200,
  );

  const asReader = { authorization: `Bearer ${reader.token}` };
  const found = await ask(simulator, 'POST', '/v2/objects/people/records/query', {}, asReader);
  assert.deepEqual([found.status, found.body], [200, { data: [] }]);
  const refused = await ask(simulator, 'PUT', ASSERT, { data: { values: {} } }, asReader);
  assert.deepEqual([refused.status, refused.body['code']], [403, 'unauthorized']);

  simulator.configure({ revoked: true });
  assert.equal((await ask(simulator, 'GET', '/v2/objects/people')).status, 401);
  assert.deepEqual((await ask(simulator, 'GET', '/v2/self')).body, { active: false });
});

test('an unknown path is named, and every answer has an execution id', async () => {
  const { status, body, headers } = await ask(create(), 'GET', '/v2/nothing?x=1');
  assert.deepEqual([status, body['message']], [404, 'Could not find endpoint "GET /v2/nothing".']);
  assert.match(String(headers['x-attio-execution-id']), /^[0-9a-f-]{36}$/);
  const object = await ask(create(), 'GET', '/v2/objects/dogs/attributes');
  assert.deepEqual([object.status, object.body['message']], [404, 'Object with slug/ID "dogs" not found.']);
});

test('an assert creates, then finds by any of the addresses, whatever their case, and tells neither', async () => {
  const simulator = create();
  const first = await assertPerson(simulator, { email_addresses: ['Ada@Acme.com'], job_title: 'Countess' });
  const again = await assertPerson(simulator, { email_addresses: ['ADA@acme.COM', 'ada@home.com'] });
  assert.equal(idOf(first), idOf(again));
  assert.deepEqual(Object.keys(first.body['data'] as Json), ['id', 'created_at', 'web_url', 'values']);
  assert.deepEqual(
    shown(again, 'email_addresses').map((value) => value['email_address']),
    ['ada@acme.com', 'ada@home.com'],
  );
  assert.equal(shown(again, 'job_title')[0]?.['value'], 'Countess');
  assert.deepEqual(shown(first, 'email_addresses')[0]?.['original_email_address'], 'Ada@Acme.com');
  const people = simulator.people();
  assert.deepEqual(people.get('ada@home.com'), people.get('ada@acme.com'));
  assert.equal(simulator.counts().people, 1);
});

test('four ways to write, four rules for several values', async () => {
  const simulator = create();
  const phones = (answer: Answer): unknown[] => shown(answer, 'phone_numbers').map((value) => value['phone_number']);
  const emails = (answer: Answer): unknown[] => shown(answer, 'email_addresses').map((value) => value['email_address']);
  const [a, b, c] = ['+442079460001', '+442079460002', '+442079460003'];
  const created = await ask(simulator, 'POST', '/v2/objects/people/records', {
    data: { values: { email_addresses: ['a@acme.com'], phone_numbers: [a, b], job_title: 'Head' } },
  });
  const record = `/v2/objects/people/records/${idOf(created)}`;
  assert.deepEqual([emails(created), phones(created)], [['a@acme.com'], [a, b]]);

  const asserted = await assertPerson(simulator, { email_addresses: ['a@acme.com', 'b@acme.com'], phone_numbers: [c] });
  assert.deepEqual([emails(asserted), phones(asserted)], [['a@acme.com', 'b@acme.com'], [c]]);
  assert.equal(shown(asserted, 'job_title')[0]?.['value'], 'Head');

  const patched = await ask(simulator, 'PATCH', record, {
    data: { values: { email_addresses: ['c@acme.com', 'a@acme.com'], phone_numbers: [a, c] } },
  });
  assert.deepEqual(
    [emails(patched), phones(patched)],
    [
      ['c@acme.com', 'a@acme.com', 'b@acme.com'],
      [a, c],
    ],
  );

  const put = await ask(simulator, 'PUT', record, {
    data: { values: { email_addresses: ['b@acme.com'], phone_numbers: [] } },
  });
  assert.deepEqual([emails(put), phones(put)], [['b@acme.com'], []]);

  const again = await ask(simulator, 'POST', '/v2/objects/people/records', {
    data: { values: { email_addresses: ['B@acme.com'] } },
  });
  assert.deepEqual([again.status, again.body['code']], [400, 'uniqueness_conflict']);
  assert.doesNotMatch(again.text, new RegExp(idOf(created)));
});

test('an address of somebody else refuses the whole request, one of two people matches nobody', async () => {
  const simulator = create();
  const ada = await assertPerson(simulator, { email_addresses: ['ada@acme.com'] });
  await assertPerson(simulator, { email_addresses: ['bob@acme.com'] });
  const both = await assertPerson(simulator, { email_addresses: ['ada@acme.com', 'bob@acme.com'] });
  assert.deepEqual([both.status, both.body['code']], [400, 'multiple_match_results']);
  const taken = await ask(simulator, 'PATCH', `/v2/objects/people/records/${idOf(ada)}`, {
    data: { values: { job_title: 'Thief', email_addresses: ['bob@acme.com'] } },
  });
  assert.deepEqual([taken.status, taken.body['code']], [400, 'uniqueness_conflict']);
  assert.equal(simulator.people().get('ada@acme.com')?.['job_title'], undefined);
});

test('what is matched on must be there, unique and given', async () => {
  const simulator = create();
  const put = (matching: string, values: Json): Promise<Answer> =>
    ask(simulator, 'PUT', `/v2/objects/people/records?matching_attribute=${matching}`, { data: { values } });
  const cases: readonly (readonly [Promise<Answer>, string, RegExp])[] = [
    [put('shoe_size', {}), 'value_not_found', /matching_attribute slug\/ID "shoe_size"/],
    [put('job_title', { job_title: 'x' }), 'validation_type', /not unique/],
    [put('email_addresses', { job_title: 'x' }), 'missing_value', /email_addresses/],
    [put('', { job_title: 'x' }), 'missing_value', /matching_attribute/],
  ];
  for (const [answer, code, message] of cases) {
    const { status, body } = await answer;
    assert.deepEqual([status, body['code']], [400, code]);
    assert.match(String(body['message']), message);
  }
});

test('values are checked by type, and one wrong value refuses the record', async () => {
  const simulator = create({ writesPerSecond: 0 });
  for (const [slug, type] of [
    ['opens', 'number'],
    ['bounced', 'checkbox'],
    ['seen_at', 'timestamp'],
    ['born', 'date'],
    ['status', 'select'],
  ] as const) {
    assert.equal((await createAttribute(simulator, slug, type)).status, 200);
  }
  const options = '/v2/objects/people/attributes/status/options';
  assert.equal((await ask(simulator, 'POST', options, { data: { title: 'Replied' } })).status, 200);

  const wrong: readonly (readonly [Json, string])[] = [
    [{ opens: '3' }, 'validation_type'],
    [{ bounced: 'yes' }, 'validation_type'],
    [{ seen_at: '2026-02-30T00:00:00Z' }, 'validation_type'],
    [{ seen_at: 1_700_000_000 }, 'validation_type'],
    [{ born: '2026-09-01T00:00:00Z' }, 'validation_type'],
    [{ name: [{ first_name: 'Ada' }] }, 'validation_type'],
    [{ name: [{ value: 'Ada' }] }, 'validation_type'],
    [{ phone_numbers: ['+1555'] }, 'validation_type'],
    [{ job_title: ['a', 'b'] }, 'validation_type'],
    [{ job_title: 7 }, 'validation_type'],
    [{ status: 'Opened' }, 'value_not_found'],
    [{ shoe_size: 44 }, 'value_not_found'],
    [{ company: [{ target_object: 'companies', domains: [{ domain: 'nowhere.com' }] }] }, 'value_not_found'],
    [{ last_email_interaction: {} }, 'immutable_value'],
  ];
  for (const [values, code] of wrong) {
    const answer = await assertPerson(simulator, {
      email_addresses: ['ada@acme.com'],
      description: 'kept?',
      ...values,
    });
    assert.deepEqual([answer.status, answer.body['code']], [400, code], JSON.stringify(values));
  }
  for (const email of ['ada', 'ada@acme.test', 'ada@acme.example', 'ada@localhost', 'a b@acme.com', 7]) {
    const answer = await assertPerson(simulator, { email_addresses: [email] });
    assert.deepEqual([answer.status, answer.body['code']], [400, 'validation_type'], String(email));
  }
  const [error] = (await assertPerson(simulator, { email_addresses: ['x'] })).body['validation_errors'] as Json[];
  assert.deepEqual(error?.['path'], ['data', 'values', 'email_addresses']);
  assert.equal(simulator.counts().people, 0);

  const fine = await assertPerson(simulator, {
    email_addresses: [{ email_address: 'ada@example.com' }],
    name: 'Byron, Ada',
    opens: 12.5,
    bounced: false,
    seen_at: '2026-09-01T12:00:00.123456+02:00',
    born: '1815-12-10',
    status: 'Replied',
    phone_numbers: [{ original_phone_number: '(555) 867-5309', country_code: 'US' }],
  });
  assert.equal(fine.status, 200, fine.text);
  assert.equal(shown(fine, 'seen_at')[0]?.['value'], '2026-09-01T10:00:00.123456000Z');
  assert.equal(shown(fine, 'seen_at')[0]?.['attribute_type'], 'timestamp');
  assert.equal(shown(fine, 'name')[0]?.['full_name'], 'Ada Byron');
  assert.equal((shown(fine, 'status')[0]?.['option'] as Json | undefined)?.['title'], 'Replied');
  assert.deepEqual(simulator.people().get('ada@example.com')?.['opens'], 12.5);
  const cleared = await assertPerson(simulator, { email_addresses: ['ada@example.com'], opens: null, status: [] });
  assert.deepEqual([shown(cleared, 'opens'), shown(cleared, 'status')], [[], []]);
});

test('a new person is linked to the company of the address, not to a free mailer', async () => {
  const simulator = create();
  await assertPerson(simulator, { email_addresses: ['ada@acme.com'] });
  await assertPerson(simulator, { email_addresses: ['bob@acme.com'] });
  await assertPerson(simulator, { email_addresses: ['eve@gmail.com'] });
  const people = simulator.people();
  assert.ok(people.get('ada@acme.com')?.['company']);
  assert.equal(people.get('ada@acme.com')?.['company'], people.get('bob@acme.com')?.['company']);
  assert.equal(people.get('eve@gmail.com')?.['company'], undefined);
  assert.equal(simulator.counts().companies, 1);
});

test('attributes and options are made once, with all keys, and of types that can be made', async () => {
  const simulator = create();
  const made = await createAttribute(simulator, 'last_campaign', 'text');
  assert.equal((made.body['data'] as Json)['api_slug'], 'last_campaign');
  const again = await createAttribute(simulator, 'last_campaign', 'text');
  assert.deepEqual([again.status, again.body['code']], [409, 'slug_conflict']);
  assert.equal((await createAttribute(simulator, 'mail', 'email-address')).status, 400);
  assert.equal((await createAttribute(simulator, 'stage', 'status')).status, 400);
  assert.equal((await createAttribute(simulator, 'texts', 'text', { is_multiselect: true })).status, 400);
  const partial = await ask(simulator, 'POST', '/v2/objects/people/attributes', { data: { title: 'x', type: 'text' } });
  assert.deepEqual([partial.status, partial.body['code']], [400, 'validation_type']);
  await createAttribute(simulator, 'tags', 'select', { is_multiselect: true });
  const options = '/v2/objects/people/attributes/tags/options';
  assert.equal((await ask(simulator, 'POST', options, { data: { title: 'a' } })).status, 200);
  assert.equal((await ask(simulator, 'POST', options, { data: { title: 'a' } })).status, 409);
  const listed = (await ask(simulator, 'GET', options)).body['data'] as readonly Json[];
  assert.deepEqual(
    listed.map((option) => option['title']),
    ['a'],
  );
  const all = (await ask(simulator, 'GET', '/v2/objects/people/attributes')).body['data'] as readonly Json[];
  assert.ok(all.some((one) => one['api_slug'] === 'last_campaign' && one['type'] === 'text'));
  assert.ok(all.some((one) => one['api_slug'] === 'email_addresses' && one['is_unique'] === true));

  await assertPerson(simulator, { email_addresses: ['a@acme.com'], last_campaign: 'Spring' });
  simulator.configure({ deleteAttributes: ['people.last_campaign'] });
  const late = await assertPerson(simulator, { email_addresses: ['a@acme.com'], last_campaign: 'Summer' });
  assert.deepEqual([late.status, late.body['message']], [400, 'Cannot find attribute with slug/ID "last_campaign".']);
  assert.equal(simulator.people().get('a@acme.com')?.['last_campaign'], undefined);
});

test('25 writes and 100 reads a second of the clock, told by a date of the server', async () => {
  let at = NOW;
  const simulator = create({ now: () => at, clockSkewMs: 90_000, writesPerSecond: 2, readsPerSecond: 1 });
  const write = (): Promise<Answer> => assertPerson(simulator, { email_addresses: ['a@acme.com'] });
  assert.deepEqual([(await write()).status, (await write()).status], [200, 200]);
  const refused = await write();
  assert.equal(refused.status, 429);
  assert.deepEqual(refused.body, {
    status_code: 429,
    type: 'rate_limit_error',
    code: 'rate_limit_exceeded',
    message: 'Rate limit exceeded, please try again later',
  });
  assert.equal(refused.headers['retry-after'], 'Sun, 20 Sep 2026 12:01:31 GMT');
  assert.equal(refused.headers['date'], 'Sun, 20 Sep 2026 12:01:30 GMT');
  // Reads have a limit of their own.
  assert.equal((await ask(simulator, 'GET', '/v2/objects/people')).status, 200);
  assert.equal((await ask(simulator, 'POST', '/v2/objects/people/records/query', {})).status, 429);
  at += 750;
  assert.equal((await write()).status, 200);
  assert.equal(simulator.writes().length, 3);
  assert.deepEqual([simulator.counts().throttled, simulator.counts().busiestSecond], [2, 2]);
  simulator.configure({ writesPerSecond: 0 });
  for (let i = 0; i < 30; i++) assert.equal((await write()).status, 200);
});

test('people are looked up by address, and other filters are refused', async () => {
  const simulator = create();
  await assertPerson(simulator, { email_addresses: ['ada@acme.com'] });
  await assertPerson(simulator, { email_addresses: ['bob@acme.com'] });
  const query = async (filter: Json): Promise<Answer> =>
    ask(simulator, 'POST', '/v2/objects/people/records/query', { filter });
  for (const filter of [
    { email_addresses: 'ADA@acme.com' },
    { email_addresses: { email_address: { $eq: 'ada@acme.com' } } },
    { $or: [{ email_addresses: 'ada@acme.com' }, { job_title: 'none' }] },
  ]) {
    const found = (await query(filter)).body['data'] as readonly unknown[];
    assert.equal(found.length, 1, JSON.stringify(filter));
  }
  assert.equal((await query({ shoe_size: 44 })).body['code'], 'unknown_filter_attribute_slug');
  assert.equal((await query({ job_title: { $contains: 'x' } })).body['code'], 'filter_error');
});

test('notes are added each time, entries of a list are asserted by their parent', async () => {
  const simulator = create();
  const ada = idOf(await assertPerson(simulator, { email_addresses: ['ada@acme.com'] }));
  const parent = { parent_object: 'people', parent_record_id: ada };
  const note = { data: { ...parent, title: 'Replied', format: 'plaintext', content: 'Yes' } };
  for (let i = 0; i < 12; i++) assert.equal((await ask(simulator, 'POST', '/v2/notes', note)).status, 200);
  assert.equal(simulator.notes().length, 12);
  assert.equal(((await ask(simulator, 'GET', '/v2/notes')).body['data'] as unknown[]).length, 10);
  assert.equal((await ask(simulator, 'GET', '/v2/notes?limit=51')).status, 400);
  const late = { data: { ...note.data, created_at: new Date(NOW + 60_000).toISOString() } };
  assert.equal((await ask(simulator, 'POST', '/v2/notes', late)).status, 400);

  await createAttribute(simulator, 'stage', 'status', {}, 'lists/outreach');
  const statuses = '/v2/lists/outreach/attributes/stage/statuses';
  for (const title of ['Sent', 'Replied']) await ask(simulator, 'POST', statuses, { data: { title } });
  const entry = (stage: string): Json => ({ data: { ...parent, entry_values: { stage } } });
  const put = await ask(simulator, 'PUT', '/v2/lists/outreach/entries', entry('Sent'));
  const again = await ask(simulator, 'PUT', '/v2/lists/outreach/entries', entry('Replied'));
  assert.deepEqual((put.body['data'] as Json)['id'], (again.body['data'] as Json)['id']);
  assert.equal(
    (await ask(simulator, 'PUT', '/v2/lists/outreach/entries', entry('Lost'))).body['code'],
    'value_not_found',
  );
  await ask(simulator, 'POST', '/v2/lists/outreach/entries', entry('Sent'));
  const twice = await ask(simulator, 'PUT', '/v2/lists/outreach/entries', entry('Sent'));
  assert.deepEqual([twice.status, twice.body['code']], [400, 'multiple_match_results']);
  const entries = [...simulator.ledger.lines({ view: 'entries' })].map((line) => (JSON.parse(line) as Json)['values']);
  assert.deepEqual(entries, [{ stage: 'Replied' }, { stage: 'Sent' }]);
});

test('activities are there when the beta is on, and are asserted by a unique attribute', async () => {
  const off = await ask(create(), 'PUT', '/v2/activities/x/records?matching_attribute=event_id', {});
  assert.deepEqual([off.status, off.body['message']], [404, 'Could not find endpoint "PUT /v2/activities/x/records".']);
  const simulator = create({ activities: true });
  const kind = { api_slug: 'fs_email', singular_noun: 'Email', plural_noun: 'Emails', extends: 'emails' };
  assert.equal((await ask(simulator, 'POST', '/v2/activities', { data: kind })).status, 200);
  assert.equal((await ask(simulator, 'POST', '/v2/activities', { data: kind })).status, 409);
  await createAttribute(simulator, 'event_id', 'text', { is_unique: true }, 'activities/fs_email');
  for (let i = 0; i < 2; i++) {
    const answer = await ask(simulator, 'PUT', '/v2/activities/fs_email/records?matching_attribute=event_id', {
      data: { values: { event_id: 'e1' } },
    });
    assert.equal(answer.status, 200, answer.text);
  }
  assert.equal([...simulator.ledger.lines({ view: 'activities' })].length, 1);
});

test('faults speak as Attio does: dates, HTML from the proxy, merges that pass', async () => {
  const simulator = create();
  const write = (): Promise<Answer> => assertPerson(simulator, { email_addresses: ['a@acme.com'] });
  simulator.control.fault({ kind: 'status', status: 429 });
  const throttled = await write();
  assert.deepEqual([throttled.status, throttled.headers['retry-after']], [429, 'Sun, 20 Sep 2026 12:00:01 GMT']);
  simulator.control.fault({ kind: 'status', status: 429, retryAfter: null });
  assert.equal((await write()).headers['retry-after'], undefined);
  simulator.control.fault({ kind: 'status', status: 502 });
  assert.match((await write()).text, /^<html>/);
  simulator.control.fault({ kind: 'status', status: 500 });
  assert.equal((await write()).body['status_code'], 500);
  simulator.control.fault({ kind: 'status', status: 400, body: ATTIO_FAULT_BODIES.mergeInProgress });
  assert.equal((await write()).body['code'], 'merge_in_progress');
  simulator.control.fault({ kind: 'rejectKey' });
  assert.equal((await write()).status, 401);
  assert.equal((await write()).status, 200);
  assert.equal(simulator.counts().applied, 1);
});

async function listening(t: TestContext): Promise<{ readonly url: string; readonly attio: AttioPlatform }> {
  const simulators = await startSimulators({ attio: { writesPerSecond: 0 } });
  t.after(() => simulators.close());
  const attio = simulators.attio as AttioPlatform & { readonly baseUrl: string };
  return { url: `${attio.baseUrl}/objects/people/records?matching_attribute=email_addresses`, attio };
}

function sendPut(url: string, email: string, signal?: AbortSignal): Promise<Response> {
  return fetch(url, {
    method: 'PUT',
    headers: { ...BEARER, 'content-type': 'application/json' },
    body: JSON.stringify({ data: { values: { email_addresses: [email] } } }),
    ...(signal === undefined ? {} : { signal }),
  });
}

test('a reply can be lost after the write was done, and the log knows what came of it', async (t) => {
  const { url, attio } = await listening(t);
  attio.control.fault({ kind: 'loseReply' });
  await assert.rejects(sendPut(url, 'ada@acme.com'));
  assert.ok(attio.people().has('ada@acme.com'));
  attio.control.fault({ kind: 'dropRequest' });
  await assert.rejects(sendPut(url, 'bob@acme.com'));
  assert.ok(!attio.people().has('bob@acme.com'));
  await sendPut(url, 'bad');
  assert.deepEqual(
    attio.writes().map(({ person, outcome, method }) => [method, person, outcome]),
    [
      ['PUT', 'ada@acme.com', 'applied'],
      ['PUT', 'bad', 'validation_type'],
    ],
  );
});

test('the log tells how many writes of one person were under way at once', async (t) => {
  const { url, attio } = await listening(t);
  for (const email of ['ada@acme.com', 'ada@acme.com']) await (await sendPut(url, email)).text();
  await Promise.all(['bob@acme.com', 'eve@acme.com'].map(async (email) => (await sendPut(url, email)).text()));
  assert.equal(attio.counts().mostInFlightPerPerson, 1);
  attio.control.setLatency(50);
  await Promise.all(['ada@acme.com', 'ADA@acme.com'].map(async (email) => (await sendPut(url, email)).text()));
  assert.equal(attio.counts().mostInFlightPerPerson, 2);
});
