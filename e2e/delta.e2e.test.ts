import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertBalanced, assertRows, expectSync } from './expectations.ts';
import { startPipeline } from './harness.ts';
import type { Pipeline } from './harness.ts';

const dayMs = 86_400_000;
/** A send is at most this old when something happens to it: a day within what a delta looks back for. */
const lookbackMs = 44 * dayMs;

/** Brings the accounts to the present, with sends of the last weeks in all campaigns, none of them of the last two days. */
function bringToPresent({ simulators }: Pipeline, sends: number): void {
  const { smartlead, lemlist } = simulators;
  const ago = (days: number): string => new Date(Date.now() - days * dayMs).toISOString();
  for (const { control } of [smartlead, lemlist]) {
    // The calendar only moves forward, and the data may end later than three weeks ago.
    if (ago(21) > '2026-11-02') control.advance({ to: ago(21) });
    control.advance({ to: ago(2), sends, activities: 60 });
    control.advance({ to: 'now' });
  }
}

function requestsOf(pipeline: Pipeline, platform: 'smartlead' | 'lemlist'): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { path } of pipeline.simulators[platform].control.arrivals()) {
    const kind = path.split('/').findLast((part) => part !== '') ?? '';
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}

function forgetRequests({ simulators }: Pipeline): void {
  simulators.smartlead.control.clearArrivals();
  simulators.lemlist.control.clearArrivals();
}

const sumOf = (counts: ReadonlyMap<string, number>): number => [...counts.values()].reduce((sum, n) => sum + n, 0);
const show = (counts: ReadonlyMap<string, number>): string =>
  `${sumOf(counts)} (${[...counts].map(([kind, count]) => `${kind} ${count}`).join(', ')})`;

/** Runs a sync to its good end and asserts that the table is the oracle's; returns the summary and the requests it took. */
async function syncExactly(pipeline: Pipeline, body: Readonly<Record<string, unknown>>) {
  forgetRequests(pipeline);
  const job = await pipeline.waitForEnd(await pipeline.execute(body));
  assert.equal(job.status, 'completed', JSON.stringify(job));
  assertBalanced(job.summary);
  await assertRows(pipeline, await expectSync(pipeline));
  return {
    job,
    created: job.summary.events_created,
    smartlead: requestsOf(pipeline, 'smartlead'),
    lemlist: requestsOf(pipeline, 'lemlist'),
  };
}

const delta = { syncMode: 'delta_since_last' };

test('a delta brings exactly what is missing, and asks each of 100 campaigns once where 3 changed', async (t) => {
  const size = { smartlead: { campaigns: 100, rows: 4_000 }, lemlist: { campaigns: 8, activities: 1_500 } };
  await using pipeline = await startPipeline({ simulators: { seed: 41, size } });
  await pipeline.explain(async () => {
    const { smartlead, lemlist } = pipeline.simulators;
    bringToPresent(pipeline, 600);
    const full = await syncExactly(pipeline, {});
    const before = (await expectSync(pipeline)).facts.size;
    assert.equal(full.created, before);

    const listed = [...new Set([...smartlead.ledger.facts()].map(({ campaignId }) => campaignId))];
    const changed = [listed[5], listed[40], listed[80]].map(String);
    const late = { opens: 12, clicks: 8, replies: 9, bounces: 6, unsubscribes: 4 };
    const changes = smartlead.control.advance({ to: 'now', sends: 15, ...late, lookbackMs, campaignIds: changed });
    assert.deepEqual(new Set(changes.map(({ campaignId }) => campaignId)), new Set(changed));
    assert.equal(new Set(changes.map(({ what }) => what)).size, 6, 'something of each kind happens');
    lemlist.control.advance({ to: 'now', activities: 25, backdated: 15, backdatedByMs: 6.9 * dayMs });

    const second = await syncExactly(pipeline, delta);
    const missing = (await expectSync(pipeline)).facts.size - before;
    assert.equal(second.created, missing);
    assert.ok(missing > 80, `only ${missing} events were missing`);
    t.diagnostic(`full: ${full.created} events; smartlead ${show(full.smartlead)}; lemlist ${show(full.lemlist)}`);
    t.diagnostic(
      `delta: ${second.created} events; smartlead ${show(second.smartlead)}; lemlist ${show(second.lemlist)}`,
    );

    // One list of campaigns, one question each at most, and a page of each that changed.
    assert.ok(sumOf(second.smartlead) <= 1 + 100 + changed.length, show(second.smartlead));
    assert.equal(second.smartlead.get('statistics'), changed.length);
    assert.ok(sumOf(second.lemlist) < sumOf(full.lemlist) / 2, show(second.lemlist));

    const third = await syncExactly(pipeline, delta);
    assert.equal(third.created, 0);
    t.diagnostic(`delta without changes: smartlead ${show(third.smartlead)}; lemlist ${show(third.lemlist)}`);
  });
});

test('late changes alone, one kind at a time, each find their way', async () => {
  const size = { smartlead: { campaigns: 6, rows: 600 }, lemlist: { campaigns: 6, activities: 300 } };
  await using pipeline = await startPipeline({ simulators: { seed: 42, size } });
  await pipeline.explain(async () => {
    const { control } = pipeline.simulators.smartlead;
    bringToPresent(pipeline, 300);
    await syncExactly(pipeline, delta);
    for (const kind of ['opens', 'clicks', 'replies', 'bounces', 'unsubscribes'] as const) {
      const changes = control.advance({ to: 'now', [kind]: 1, lookbackMs });
      assert.equal(changes.length, 1);
      const { created } = await syncExactly(pipeline, { ...delta, platforms: 'smartlead' });
      assert.equal(created, 1, kind);
    }
  });
});

test('a second reply of a lead, which no count shows, is found', async (t) => {
  const size = { smartlead: { campaigns: 6, rows: 900 }, lemlist: { campaigns: 6, activities: 300 } };
  await using pipeline = await startPipeline({ simulators: { seed: 43, size } });
  await pipeline.explain(async () => {
    const { control, apiKey, baseUrl, ledger } = pipeline.simulators.smartlead;
    const recent = [...ledger.facts()].filter(({ sentAt }) => sentAt > Date.now() - lookbackMs);
    const campaignId = recent.at(-1)?.campaignId ?? String([...ledger.facts()].at(-1)?.campaignId);
    const repliesCounted = async (): Promise<string> => {
      const answer = await fetch(`${baseUrl}/campaigns/${campaignId}/analytics?api_key=${apiKey}`);
      return ((await answer.json()) as { readonly reply_count: string }).reply_count;
    };
    control.advance({ to: 'now', replies: 200, lookbackMs: 4_000 * dayMs, campaignIds: [campaignId] });
    const body = { ...delta, platforms: 'smartlead' };
    await pipeline.waitForEnd(await pipeline.execute({ platforms: 'smartlead' }));
    for (let attempt = 1; attempt <= 20; attempt += 1) {
      const before = await repliesCounted();
      const changes = control.advance({ to: 'now', replies: 1, lookbackMs: 4_000 * dayMs, campaignIds: [campaignId] });
      assert.equal(changes.length, 1, 'every row of the campaign has a reply already');
      const hidden = before === (await repliesCounted());
      const job = await pipeline.waitForEnd(await pipeline.execute(body));
      assert.equal(job.status, 'completed');
      if (!hidden) continue;
      t.diagnostic(`reply_count stayed ${before}`);
      return;
    }
    assert.fail('no reply was hidden from the counts');
  });
});

test('an account that lists no changed leads, or no counts, is read in full where it may have changed, and that is said', async () => {
  const size = { smartlead: { campaigns: 6, rows: 600 }, lemlist: { campaigns: 6, activities: 300 } };
  await using pipeline = await startPipeline({ simulators: { seed: 44, size } });
  await pipeline.explain(async () => {
    const { control } = pipeline.simulators.smartlead;
    const body = { ...delta, platforms: 'smartlead' };
    const late = { sends: 6, opens: 5, clicks: 4, replies: 4, bounces: 3, unsubscribes: 2, lookbackMs };
    const answer = { kind: 'status', status: 403, retryAfter: null, body: 'message' } as const;
    bringToPresent(pipeline, 300);
    control.fault({ ...answer, path: '/analytics', count: 1_000 });
    const full = await syncExactly(pipeline, {});
    assert.equal(full.smartlead.get('analytics'), 6);
    control.clearFaults();

    control.advance({ to: 'now', ...late });
    const uncounted = await syncExactly(pipeline, body);
    assert.ok(uncounted.created > 0);
    assert.deepEqual(uncounted.job.warnings, []);

    control.advance({ to: 'now', ...late });
    control.fault({ ...answer, path: '/all-leads-activities' });
    const unlisted = await syncExactly(pipeline, body);
    assert.ok(unlisted.created > 0);
    assert.equal(unlisted.smartlead.get('analytics'), undefined);
    assert.equal(unlisted.smartlead.get('statistics'), 6, 'every campaign is read');
    assert.match(unlisted.job.warnings.join(), /does not list changed leads .*403.*every campaign/);

    // A limit of its own: its refusal waits, and says nothing of the account's.
    control.fault({ ...answer, status: 429, retryAfter: 1, path: '/all-leads-activities' });
    control.advance({ to: 'now', ...late });
    const refused = await syncExactly(pipeline, body);
    assert.ok(refused.created > 0);
    assert.equal(refused.smartlead.get('all-leads-activities'), 2);
    const { rows } = await pipeline.pool.query('select from accounts where throttle < 1 or paused_until is not null');
    assert.equal(rows.length, 0, 'the account was held back');
  });
});

test('a walk that failed keeps its cursor: the next delta finds what it missed', async () => {
  const size = { smartlead: { campaigns: 6, rows: 600 }, lemlist: { campaigns: 6, activities: 300 } };
  await using pipeline = await startPipeline({ simulators: { seed: 45, size } });
  await pipeline.explain(async () => {
    const { control } = pipeline.simulators.smartlead;
    const body = { ...delta, platforms: 'smartlead' };
    bringToPresent(pipeline, 300);
    await syncExactly(pipeline, {});
    const changes = control.advance({ to: 'now', sends: 8, opens: 8, replies: 4, lookbackMs });
    const campaigns = new Set(changes.map(({ campaignId }) => campaignId));
    assert.ok(campaigns.size > 1);
    const [broken] = campaigns;
    const fault = { kind: 'status', status: 403, retryAfter: null, body: 'message' } as const;
    control.fault({ ...fault, path: `/campaigns/${broken}/statistics` });
    const failed = await pipeline.waitForEnd(await pipeline.execute(body));
    assert.equal(failed.status, 'failed');
    assert.match(failed.error?.message ?? '', new RegExp(`campaign ${broken}`));
    const { created } = await syncExactly(pipeline, body);
    assert.ok(created > 0, 'the events of the campaign that failed');
  });
});
