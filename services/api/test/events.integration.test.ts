import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { topicNames } from '@full-sync/schemas';
import { spawnService, waitFor } from '@full-sync/testing';
import { pretendServices } from './pretend-services.ts';
import type { PretendServices } from './pretend-services.ts';

const smartlead = { platform: 'smartlead', topic: topicNames.smartleadRaw } as const;

let pretend: PretendServices;
before(async () => {
  pretend = await pretendServices();
});
after(async () => {
  await pretend[Symbol.asyncDispose]();
});

async function start(namespaces: string): Promise<string> {
  const { status, body } = await pretend.execute({
    platforms: 'smartlead',
    syncMode: 'full_historical',
    namespaces,
  });
  assert.equal(status, 202, JSON.stringify(body));
  return String(body['jobId']);
}

interface Event {
  readonly id: number;
  readonly data: {
    readonly jobId: string;
    readonly status: string;
    readonly progress: Readonly<Record<string, unknown>>;
    readonly summary: Readonly<Record<string, unknown>>;
  };
}

interface Stream extends Disposable {
  readonly status: number;
  readonly headers: Headers;
  readonly events: readonly Event[];
  /** The text so far. */
  readonly text: () => string;
  /** True once the server has ended the stream. */
  readonly ended: () => boolean;
  readonly finished: Promise<void>;
}

async function follow(jobId: string, lastEventId?: number, url = pretend.api.url): Promise<Stream> {
  const leaving = new AbortController();
  const answer = await fetch(`${url}/api/full-sync/${jobId}/events`, {
    signal: leaving.signal,
    headers: lastEventId === undefined ? {} : { 'last-event-id': String(lastEventId) },
  });
  const events: Event[] = [];
  let text = '';
  let rest = '';
  let ended = false;
  const read = async (): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const bytes of answer.body ?? []) {
      const chunk = decoder.decode(bytes, { stream: true });
      text += chunk;
      const parts = (rest + chunk).split('\n\n');
      rest = parts.pop() ?? '';
      for (const part of parts) {
        const [, id, data] = /^id: (\d+)\ndata: (.*)$/.exec(part) ?? [];
        if (id !== undefined && data !== undefined) events.push({ id: Number(id), data: JSON.parse(data) });
      }
    }
    ended = true;
  };
  const finished = read();
  finished.catch(() => undefined);
  return {
    status: answer.status,
    headers: answer.headers,
    events,
    text: () => text,
    ended: () => ended,
    finished,
    [Symbol.dispose]: () => {
      leaving.abort();
    },
  };
}

const seenWhere = async (stream: Stream, what: string, where: (event: Event) => boolean): Promise<Event> =>
  await waitFor(() => stream.events.find(where), { what, deadlineMs: 60_000 });

function assertGrowing(events: readonly Event[]): void {
  for (const [index, { id }] of events.entries()) assert.ok(id > (events[index - 1]?.id ?? 0), 'ids grow');
}

async function connections(): Promise<number> {
  const { rows } = await pretend.db.pool.query<{ queries: number }>(
    `select count(*)::int as queries from pg_stat_activity where application_name = 'full-sync-api'
       and datname = current_database() and query like '%unnest(%known%seen%' and query_start > now() - interval '1 s'`,
  );
  return rows[0]?.queries ?? -1;
}

test('a stream tells every stage, its ids grow, and it ends with the ending status', async () => {
  const jobId = await start('stream');
  using stream = await follow(jobId);
  assert.equal(stream.status, 200);
  assert.equal(stream.headers.get('content-type'), 'text/event-stream');
  assert.match(stream.headers.get('cache-control') ?? '', /no-cache/);
  await seenWhere(stream, 'the state at once', ({ data }) => data.status === 'queued');
  assert.match(stream.text(), /^retry: \d+\n\n/);
  await pretend.extract(jobId, { ...smartlead, records: 12 });
  await seenWhere(stream, 'keying', ({ data }) => data.progress['current_stage'] === 'keying');
  await pretend.key(topicNames.smartleadRaw);
  await seenWhere(stream, 'loading', ({ data }) => data.progress['current_stage'] === 'loading');
  await pretend.load(jobId, { platform: 'smartlead', accepted: 12, created: 20 });
  await stream.finished;
  assertGrowing(stream.events);
  const last = stream.events.at(-1);
  assert.deepEqual(Object.keys(last?.data ?? {}), ['jobId', 'status', 'progress', 'summary']);
  assert.deepEqual([last?.data.status, last?.data.progress['percentage']], ['completed', 100]);
  assert.equal(last?.data.summary['events_created'], 20);
  for (const { data } of stream.events.slice(0, -1)) assert.notEqual(data.status, 'completed');

  using late = await follow(jobId, (last?.id ?? 0) - 1);
  await late.finished;
  assert.deepEqual(
    late.events.map(({ id, data }) => [id, data.status]),
    [[last?.id, 'completed']],
  );
  using again = await follow(jobId, last?.id);
  assert.equal(again.status, 204, 'a browser connects no more');
  using fresh = await follow(jobId);
  await fresh.finished;
  assert.equal(fresh.events.length, 1);
});

test('a reconnecting client hears nothing twice, from another copy and after a kill, and heartbeats meanwhile', async () => {
  const jobId = await start('reconnect');
  await pretend.extract(jobId, { ...smartlead, records: 12 });
  using first = await follow(jobId);
  const keying = await seenWhere(first, 'keying', ({ data }) => data.progress['current_stage'] === 'keying');
  await using other = await spawnService({ name: 'api', env: pretend.env });
  await other.ready(60_000);
  using quiet = await follow(jobId, first.events.at(-1)?.id, other.url);
  await pretend.restartApi();
  await first.finished.then(
    () => assert.fail('a killed api ends no stream well'),
    () => undefined,
  );
  using second = await follow(jobId, keying.id);
  await waitFor(() => quiet.text().includes(': alive'), { what: 'a heartbeat', deadlineMs: 60_000 });
  await pretend.key(topicNames.smartleadRaw);
  await pretend.load(jobId, { platform: 'smartlead', accepted: 12, created: 12 });
  await Promise.all([second.finished, quiet.finished]);
  for (const stream of [second, quiet]) {
    assertGrowing([keying, ...stream.events]);
    assert.equal(stream.events.at(-1)?.data.status, 'completed');
  }
  assert.equal(second.events.at(-1)?.id, quiet.events.at(-1)?.id, 'both copies give the same ids');
  using mistaken = await follow(jobId, 1_000_000_000);
  await mistaken.finished;
  assert.equal(mistaken.events.length, 1, 'an id that was never given is told the state');
});

test('clients that leave are forgotten, and nobody asks for a job that nobody follows', async () => {
  const jobId = await start('leave');
  const streams = await Promise.all(Array.from({ length: 20 }, async () => await follow(jobId)));
  await waitFor(async () => (await connections()) > 0, { what: 'the feed to look' });
  for (const stream of streams) stream[Symbol.dispose]();
  await waitFor(async () => (await connections()) === 0, { what: 'the feed to stop looking', deadlineMs: 60_000 });
  using next = await follow(jobId);
  await seenWhere(next, 'the state', ({ data }) => data.jobId === jobId);
  await pretend.extract(jobId, { ...smartlead, records: 0 });
  await next.finished;
  assert.equal(next.events.at(-1)?.data.status, 'completed');
});

test('a drain ends the streams instead of waiting for them', async () => {
  const jobId = await start('drain');
  await using api = await spawnService({ name: 'api', env: pretend.env });
  await api.ready(60_000);
  using stream = await follow(jobId, undefined, api.url);
  await seenWhere(stream, 'the state', ({ data }) => data.status === 'queued');
  const startedAt = performance.now();
  const exit = await api.kill('SIGTERM');
  assert.equal(exit.code, 0, api.output());
  await stream.finished;
  assert.ok(performance.now() - startedAt < 10_000, 'the drain did not wait for the stream');
});

test('what cannot be followed is answered as everywhere', async () => {
  for (const jobId of ['job_0000', 'x', '%00']) {
    const answer = await fetch(`${pretend.api.url}/api/full-sync/${jobId}/events`);
    assert.equal(answer.status, 404);
    assert.match(await answer.text(), /SYNC_002/);
  }
  const head = await fetch(`${pretend.api.url}/api/full-sync/${await start('head')}/events`, { method: 'HEAD' });
  assert.deepEqual([head.status, head.headers.get('allow')], [405, 'GET']);
});
