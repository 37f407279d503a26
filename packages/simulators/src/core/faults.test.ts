import assert from 'node:assert/strict';
import { request } from 'node:http';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import type { Mischief, RunningSimulators } from '../index.ts';
import { SIZES, startSimulators } from '../index.ts';

/** What came of one request, whatever way it ended. */
interface Outcome {
  readonly status: number | null;
  readonly headers: Record<string, unknown>;
  readonly body: string;
  /** Code of the connection's error, or null when the answer was complete. */
  readonly error: string | null;
}

async function start(t: TestContext, options: Parameters<typeof startSimulators>[0] = {}): Promise<RunningSimulators> {
  const simulators = await startSimulators({ size: SIZES.small, ...options });
  t.after(() => simulators.close());
  return simulators;
}

/** One request over a real socket; `waitMs` bounds how long silence is listened to. */
function ask(
  url: string,
  options: { readonly headers?: Record<string, string>; readonly waitMs?: number } = {},
): Promise<Outcome> {
  return new Promise((resolve) => {
    let outcome: Outcome = { status: null, headers: {}, body: '', error: null };
    const end = (error: string | null): void => {
      clearTimeout(timer);
      resolve({ ...outcome, error });
      sent.destroy();
    };
    const sent = request(url, { agent: false, headers: options.headers ?? {} }, (response) => {
      outcome = { ...outcome, status: response.statusCode ?? null, headers: response.headers };
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (outcome = { ...outcome, body: outcome.body + chunk }));
      response.on('end', () => end(null));
      response.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? 'error'));
    });
    sent.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? 'error'));
    const timer = setTimeout(() => end('silence'), options.waitMs ?? 10_000);
    sent.end();
  });
}

const campaignsUrl = ({ smartlead }: RunningSimulators): string =>
  `${smartlead.baseUrl}/campaigns/?api_key=${smartlead.apiKey}`;

function askLemlist({ lemlist }: RunningSimulators, path: string): Promise<Outcome> {
  const headers = { authorization: `Basic ${Buffer.from(`:${lemlist.apiKey}`).toString('base64')}` };
  return ask(`${lemlist.baseUrl}${path}`, { headers });
}

test('every way in which an answer can be wrong', async (t) => {
  const simulators = await start(t);
  const fine = await ask(campaignsUrl(simulators));
  assert.equal(fine.error, null);
  const cases: readonly (readonly [Mischief, (outcome: Outcome) => void])[] = [
    [
      { kind: 'status', status: 502, body: 'html' },
      ({ status, headers }) => {
        assert.equal(status, 502);
        assert.match(String(headers['content-type']), /html/);
      },
    ],
    [
      { kind: 'status', status: 429, retryAfter: 7 },
      ({ status, headers, body }) => {
        assert.equal(status, 429);
        assert.equal(headers['retry-after'], '7');
        assert.equal((JSON.parse(body) as { error: { retry_after: number } }).error.retry_after, 7);
      },
    ],
    [
      { kind: 'status', status: 429, retryAfter: null, body: 'empty' },
      ({ status, headers, body }) => {
        assert.deepEqual([status, headers['retry-after'], body], [429, undefined, '']);
      },
    ],
    [{ kind: 'status', status: 503, body: '{"error":"busy"}' }, ({ body }) => assert.equal(body, '{"error":"busy"}')],
    [{ kind: 'emptyBody' }, ({ status, body }) => assert.deepEqual([status, body], [200, ''])],
    [{ kind: 'emptyObject' }, ({ status, body }) => assert.deepEqual([status, body], [200, '{}'])],
    [
      { kind: 'failureIn200' },
      ({ status, body }) => {
        assert.equal(status, 200);
        assert.match(body, /"success":false/);
      },
    ],
    [
      { kind: 'html' },
      ({ status, headers }) => {
        assert.equal(status, 200);
        assert.match(String(headers['content-type']), /^text\/html/);
      },
    ],
    [
      { kind: 'contentType' },
      ({ headers, body }) => {
        assert.match(String(headers['content-type']), /^text\/plain/);
        assert.equal(body, fine.body);
      },
    ],
    [
      { kind: 'truncate', afterBytes: 20 },
      ({ status, body, error }) => {
        assert.deepEqual([status, body, error], [200, fine.body.slice(0, 20), null]);
      },
    ],
    [
      { kind: 'reset', afterBytes: 30 },
      ({ status, body, error }) => {
        assert.equal(status, 200);
        assert.equal(error, 'ECONNRESET');
        assert.ok(body.length <= 30);
      },
    ],
    [{ kind: 'dropRequest' }, ({ status, error }) => assert.deepEqual([status, error], [null, 'ECONNRESET'])],
    [{ kind: 'loseReply' }, ({ status, error }) => assert.deepEqual([status, error], [null, 'ECONNRESET'])],
    [{ kind: 'late', ms: 5 }, ({ status, body }) => assert.deepEqual([status, body], [200, fine.body])],
    [
      { kind: 'rejectKey' },
      ({ status, body }) => assert.deepEqual([status, body], [401, '{"message":"Invalid API Key"}']),
    ],
    [{ kind: 'planGate' }, ({ status }) => assert.equal(status, 403)],
  ];
  for (const [fault, check] of cases) {
    simulators.smartlead.control.fault(fault);
    check(await ask(campaignsUrl(simulators)));
    assert.deepEqual(await ask(campaignsUrl(simulators)).then(({ body }) => body), fine.body, `after ${fault.kind}`);
  }
});

test('a half-open answer stays silent: before its head, and in its middle', async (t) => {
  const simulators = await start(t);
  simulators.smartlead.control.fault({ kind: 'hang' });
  const nothing = await ask(campaignsUrl(simulators), { waitMs: 150 });
  assert.deepEqual([nothing.status, nothing.error], [null, 'silence']);
  simulators.smartlead.control.fault({ kind: 'hang', afterBytes: 25 });
  const half = await ask(campaignsUrl(simulators), { waitMs: 150 });
  assert.deepEqual([half.status, half.body.length, half.error], [200, 25, 'silence']);
  assert.equal((await ask(campaignsUrl(simulators))).error, null);
});

test('latency adds up with other faults', async (t) => {
  const simulators = await start(t, { smartlead: { latencyMs: 20 } });
  simulators.smartlead.control.fault({ kind: 'latency', ms: 60 });
  simulators.smartlead.control.fault({ kind: 'status', status: 500 });
  const before = performance.now();
  assert.equal((await ask(campaignsUrl(simulators))).status, 500);
  assert.ok(performance.now() - before >= 79);
});

test('a fault hits the paths, the count and the share it was meant for', async (t) => {
  const simulators = await start(t);
  const { control } = simulators.lemlist;
  control.fault({ kind: 'status', status: 503, path: '/activities', skip: 1, count: 2 });
  const statuses: (number | null)[] = [];
  for (let i = 0; i < 5; i++) statuses.push((await askLemlist(simulators, '/activities')).status);
  assert.deepEqual(statuses, [200, 503, 503, 200, 200]);
  assert.equal((await askLemlist(simulators, '/team')).status, 200);

  const share = async (seed: number): Promise<readonly number[]> => {
    control.fault({ kind: 'status', status: 503, probability: 0.3, seed });
    const hit: number[] = [];
    for (let i = 0; i < 60; i++) if ((await askLemlist(simulators, '/team')).status === 503) hit.push(i);
    control.clearFaults();
    return hit;
  };
  const first = await share(4);
  assert.ok(first.length > 5 && first.length < 35);
  assert.deepEqual(await share(4), first);
  assert.notDeepEqual(await share(5), first);
});

test('the plan gate of Lemlist closes what it names and leaves the rest open', async (t) => {
  const simulators = await start(t);
  simulators.lemlist.control.fault({ kind: 'planGate', path: '/activities', count: 100 });
  const gated = await askLemlist(simulators, '/activities?version=v2');
  assert.deepEqual([gated.status, gated.body], [402, 'route is available starting emailPro plan']);
  assert.equal((await askLemlist(simulators, '/team')).status, 200);
});

test('everything works over HTTP as well', async (t) => {
  const simulators = await start(t, { smartlead: { rateLimit: '2/60s' } });
  const { controlUrl } = simulators;
  const call = async (
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> => {
    const response = await fetch(`${controlUrl}${path}`, {
      method,
      ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  for (let i = 0; i < 3; i++) await ask(campaignsUrl(simulators));
  const { body } = await call('GET', '/arrivals?platform=smartlead&maxInWindowMs=60000');
  const arrivals = body['arrivals'] as readonly {
    readonly at: number;
    readonly accepted: boolean;
    readonly path: string;
  }[];
  assert.deepEqual(
    arrivals.map(({ accepted }) => accepted),
    [true, true, false],
  );
  assert.ok(
    arrivals.every(({ path }) => path === '/smartlead/api/v1/campaigns/'),
    'no key is kept',
  );
  assert.equal(body['maxInWindow'], 3);
  await call('DELETE', '/arrivals?platform=smartlead');
  await call('POST', '/settings', { platform: 'smartlead', rateLimit: 'off' });
  assert.equal((await ask(campaignsUrl(simulators))).headers['x-ratelimit-limit'], undefined);

  assert.deepEqual(
    (
      await call('POST', '/faults', [
        { platform: 'smartlead', kind: 'html' },
        { platform: 'lemlist', kind: 'emptyBody' },
      ])
    ).body,
    { armed: 2 },
  );
  const armed = (await call('GET', '/faults?platform=smartlead')).body['faults'] as readonly {
    readonly kind: string;
  }[];
  assert.deepEqual(
    armed.map(({ kind }) => kind),
    ['html'],
  );
  assert.match((await ask(campaignsUrl(simulators))).body, /<html>/);
  await call('DELETE', '/faults');
  assert.notEqual((await askLemlist(simulators, '/team')).body, '');
  assert.equal((await call('POST', '/faults', { platform: 'smartlead', kind: 'flood' })).status, 400);
  assert.equal((await call('POST', '/faults', { platform: 'nowhere', kind: 'html' })).status, 400);
  assert.equal((await call('GET', '/arrivals')).status, 400);

  const advanced = await call('POST', '/advance', { platform: 'smartlead', sends: 3 });
  assert.equal((advanced.body['changes'] as readonly unknown[]).length, 3);
  for (const bodies of [true, false]) {
    const text = await (await fetch(`${controlUrl}/ledger?platform=smartlead${bodies ? '' : '&bodies=false'}`)).text();
    assert.deepEqual(text.trimEnd().split('\n'), [...simulators.smartlead.ledger.lines({ bodies })]);
    assert.equal(text.includes('BODY-MARKER'), bodies);
  }
});
