import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FaultSpec, Mischief } from '@full-sync/simulators';
import { randomSuffix, readLedger } from '@full-sync/testing';
import type { OracleRecord } from '@full-sync/testing';
import type { JobStatus } from './api-client.ts';
import { assertBalanced, assertRows, expectSync } from './expectations.ts';
import { startPipeline } from './harness.ts';
import type { Pipeline } from './harness.ts';

const PLATFORMS = ['smartlead', 'lemlist'] as const;
/** More than any request will meet. */
const ALWAYS = 100_000;

function otherThan(platform: (typeof PLATFORMS)[number]): 'smartlead' | 'lemlist' {
  return platform === 'smartlead' ? 'lemlist' : 'smartlead';
}

/** Asserts that the job failed for `reasons`, and that the other platform's rows are there and this one's are not. */
async function assertFailedAlone(
  pipeline: Pipeline,
  job: JobStatus,
  platform: (typeof PLATFORMS)[number],
  namespace: string,
  ...reasons: readonly RegExp[]
): Promise<void> {
  assert.equal(job.status, 'failed', JSON.stringify(job));
  assert.equal(job.progress.current_stage, 'failed');
  assert.ok(job.progress.percentage < 100, `${job.progress.percentage} % of a failed job`);
  const said = [job.error?.message, ...(job.error?.details ?? [])].join('\n');
  for (const reason of reasons) assert.match(said, reason);
  assertBalanced(job.summary);
  assert.ok(job.summary.errors >= 1);
  const other = otherThan(platform);
  const expected = await expectSync(pipeline, namespace, (record) => record.platform === other);
  await assertRows(pipeline, expected, namespace);
  assert.equal(job.summary.by_platform[other]?.events_created, expected.facts.size);
  assert.equal(job.summary.by_platform[platform]?.events_created, 0);
}

for (const platform of PLATFORMS) {
  const variable = `${platform.toUpperCase()}_API_KEY`;

  test(`a key that ${platform} refuses fails the job and names ${variable}; the other platform is loaded`, async () => {
    const key = `refused-key-${randomSuffix()}`;
    await using pipeline = await startPipeline({ env: { [variable]: key, LOG_LEVEL: 'debug' } });
    await pipeline.explain(async () => {
      const job = await pipeline.waitForEnd(await pipeline.execute());
      await assertFailedAlone(pipeline, job, platform, 'default', new RegExp(variable), /401/);
      const again = await pipeline.waitForEnd(await pipeline.execute({ platforms: otherThan(platform) }));
      assert.equal(again.status, 'completed', 'the other platform alone');
      await pipeline.call('GET', '/api/full-sync/history');
    });
    for (const form of [key, Buffer.from(`:${key}`).toString('base64')]) {
      assert.ok(!pipeline.output().includes(form), 'the refused key is in a log');
      assert.ok(!pipeline.answers().some((answer) => answer.includes(form)), 'the refused key is in an answer');
    }
  });
}

type Campaign = { readonly id: string; readonly rows: number };

/** The Smartlead campaign with the most rows. */
async function largestCampaign({ controlUrl }: Pipeline): Promise<Campaign> {
  const counts = new Map<string, number>();
  for await (const { campaignId } of readLedger(controlUrl, 'smartlead')) {
    counts.set(campaignId ?? '', (counts.get(campaignId ?? '') ?? 0) + 1);
  }
  const [largest] = [...counts].toSorted(([, a], [, b]) => b - a);
  assert.ok(largest !== undefined);
  return { id: largest[0], rows: largest[1] };
}

/** A filter for records that leaves out those of a campaign beyond the first page of its statistics. */
function upToFirstPage(campaign: Campaign): (record: OracleRecord) => boolean {
  let seen = 0;
  return ({ platform, campaignId }) => platform !== 'smartlead' || campaignId !== campaign.id || ++seen <= 1_000;
}

/** Runs a sync in which the second page of the largest campaign meets `answer`; what was read before it must be there. */
async function syncWithBrokenCampaign(
  pipeline: Pipeline,
  namespace: string,
  answer: Extract<FaultSpec, { readonly kind: 'status' }>,
): Promise<{ readonly job: JobStatus; readonly campaign: Campaign }> {
  const campaign = await largestCampaign(pipeline);
  assert.ok(campaign.rows > 1_000, 'the campaign has only one page');
  const fault: Mischief = { ...answer, path: `/campaigns/${campaign.id}/statistics`, skip: 1 };
  pipeline.simulators.smartlead.control.fault(fault);
  const job = await pipeline.waitForEnd(await pipeline.execute({ namespaces: namespace }));
  assert.deepEqual(pipeline.simulators.smartlead.control.faults(), [], 'the fault hit nothing');
  const expected = await expectSync(pipeline, namespace, upToFirstPage(campaign));
  await assertRows(pipeline, expected, namespace);
  assertBalanced(job.summary);
  assert.equal(job.summary.events_created, expected.facts.size);
  return { job, campaign };
}

/** Each part syncs into a namespace of its own, so that one pipeline serves them all. */
test('upstreams that refuse, fail and lose things', async (t) => {
  await using pipeline = await startPipeline({
    simulators: { size: { smartlead: { campaigns: 4, rows: 4_000 }, lemlist: { campaigns: 5, activities: 300 } } },
  });
  const { smartlead, lemlist } = pipeline.simulators;
  const part = async (name: string, work: () => Promise<void>): Promise<void> => {
    await t.test(name, () => pipeline.explain(work));
    smartlead.control.clearFaults();
    lemlist.control.clearFaults();
  };

  for (const platform of PLATFORMS) {
    await part(`a plan of ${platform} without API access fails the job, saying that it is the plan`, async () => {
      const namespace = `plan-${platform}`;
      pipeline.simulators[platform].control.fault({ kind: 'planGate', count: ALWAYS });
      const job = await pipeline.waitForEnd(await pipeline.execute({ namespaces: namespace }));
      const variable = new RegExp(`${platform.toUpperCase()}_API_KEY`);
      await assertFailedAlone(pipeline, job, platform, namespace, variable, /plan/);

      pipeline.simulators[platform].control.clearFaults();
      const healed = await pipeline.waitForEnd(await pipeline.execute({ namespaces: namespace }));
      assert.equal(healed.status, 'completed');
      await assertRows(pipeline, await expectSync(pipeline, namespace), namespace);
    });
  }

  await part(
    'what passes by itself leaves no trace in the result: pages, broken and empty answers, 429, 5xx',
    async () => {
      const faults: readonly FaultSpec[] = [
        { kind: 'html' },
        { kind: 'emptyBody' },
        { kind: 'emptyObject' },
        { kind: 'failureIn200' },
        { kind: 'contentType' },
        { kind: 'truncate' },
        { kind: 'reset' },
        { kind: 'status', status: 503, retryAfter: 1 },
        { kind: 'status', status: 429, retryAfter: 1 },
        { kind: 'status', status: 502, body: 'html' },
      ];
      // One request meets one of them, in this order.
      for (const fault of faults) smartlead.control.fault({ ...fault, path: '/statistics' });
      for (const path of ['/campaigns', '/activities']) {
        for (const kind of ['html', 'truncate'] as const) lemlist.control.fault({ kind, path });
      }
      const job = await pipeline.waitForEnd(await pipeline.execute({ namespaces: 'passing' }));
      assert.deepEqual([smartlead.control.faults(), lemlist.control.faults()], [[], []], 'faults that hit nothing');
      assert.equal(job.status, 'completed', JSON.stringify(job));
      const expected = await expectSync(pipeline, 'passing');
      await assertRows(pipeline, expected, 'passing');
      assertBalanced(job.summary);
      assert.equal(job.summary.events_created, expected.facts.size);
      assert.equal(job.summary.events_derived, expected.facts.counts().events, 'nothing was published twice');
      assert.equal(job.summary.errors, 0);
    },
  );

  await part('a campaign that is gone in the middle is a warning that names it, and the job completes', async () => {
    const body = '{"error":"Campaign not found - Invalid campaign_id."}';
    const { job, campaign } = await syncWithBrokenCampaign(pipeline, 'gone', { kind: 'status', status: 404, body });
    assert.equal(job.status, 'completed', JSON.stringify(job));
    assert.equal(job.progress.percentage, 100);
    assert.equal(job.summary.errors, 0);
    const warnings = job.warnings.filter((warning) => warning.includes('gone') && warning.includes(campaign.id));
    assert.equal(warnings.length, 1, `warnings: ${JSON.stringify(job.warnings)}`);
  });

  await part('a campaign that is refused for good fails the job, which names it and keeps the rest', async () => {
    const body = '{"message":"limit must be less than or equal to 1000"}';
    const { job, campaign } = await syncWithBrokenCampaign(pipeline, 'refused', { kind: 'status', status: 422, body });
    assert.equal(job.status, 'failed', JSON.stringify(job));
    assert.ok(job.error?.message.includes(campaign.id), JSON.stringify(job.error));
    assert.match(job.error?.message ?? '', /422.*limit must be less/);
    assert.equal(job.summary.errors, 1);
  });
});
