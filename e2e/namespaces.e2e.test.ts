import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startSimulators } from '@full-sync/simulators';
import { spawnService } from '@full-sync/testing';
import type { OracleRecord } from '@full-sync/testing';
import { assertBalanced, assertRows, expectSync } from './expectations.ts';
import { startPipeline } from './harness.ts';

const keys = { smartlead: 'smartlead-key-of-acme-inc', lemlist: 'lemlist-key-of-acme-inc' };
const simulators = {
  seed: 51,
  size: { smartlead: { campaigns: 8, rows: 900 }, lemlist: { campaigns: 8, activities: 900 } },
  smartlead: { apiKey: keys.smartlead },
  lemlist: { apiKey: keys.lemlist },
};

/** A file in a directory of its own, written by `write`. */
async function openFile() {
  const directory = await mkdtemp(join(tmpdir(), 'full-sync-e2e-'));
  const path = join(directory, 'namespaces.json');
  return {
    path,
    write: (document: unknown) => writeFile(path, JSON.stringify(document)),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  };
}

/** A namespace's campaigns, as its entry says. */
type Filter = { readonly campaigns?: readonly (string | number)[]; readonly exclude?: readonly (string | number)[] };

function keeps(filter: Filter, campaignId: string | null): boolean {
  const [only, without] = [filter.campaigns?.map(String), (filter.exclude ?? []).map(String)];
  if (campaignId === null) return only === undefined;
  return (only === undefined || only.includes(campaignId)) && !without.includes(campaignId);
}

/** The campaign that a record names (Lemlist), or whose walk gave it (Smartlead). */
function campaignOf({ platform, campaignId, record }: OracleRecord): string | null {
  if (platform === 'smartlead') return campaignId;
  const named = (record as { readonly campaignId?: unknown }).campaignId;
  return typeof named === 'string' ? named : null;
}

/** The campaigns of simulators like those of the tests, the busiest first. */
async function scout(): Promise<Readonly<Record<'smartlead' | 'lemlist', readonly string[]>>> {
  const running = await startSimulators(simulators);
  try {
    const counts = { smartlead: new Map<string, number>(), lemlist: new Map<string, number>() };
    for (const platform of ['smartlead', 'lemlist'] as const) {
      for (const { campaignId } of running[platform].ledger.facts()) {
        if (campaignId !== null) counts[platform].set(campaignId, (counts[platform].get(campaignId) ?? 0) + 1);
      }
    }
    const busiest = (of: ReadonlyMap<string, number>) => [...of].toSorted(([, x], [, y]) => y - x).map(([id]) => id);
    return { smartlead: busiest(counts.smartlead), lemlist: busiest(counts.lemlist) };
  } finally {
    await running.close();
  }
}

test('two namespaces on one account each hold their campaigns and no others, through a delta, too', async (t) => {
  await using file = await openFile();
  const env = {
    NAMESPACES_FILE: file.path,
    SMARTLEAD_API_KEY: '',
    LEMLIST_API_KEY: keys.lemlist,
    SMARTLEAD_API_KEY_ACME: keys.smartlead,
    LEMLIST_API_KEY_ACME: keys.lemlist,
  };
  const { smartlead, lemlist } = await scout();
  const filters = {
    acme: {
      smartlead: { campaigns: [Number(smartlead[0]), smartlead[1], smartlead[2]], exclude: [smartlead[2]] },
      lemlist: { campaigns: [lemlist[0], lemlist[1]] },
    },
    beta: { smartlead: { exclude: [smartlead[0]] }, lemlist: { exclude: [lemlist[0], lemlist[2]] } },
  } as Readonly<Record<string, Readonly<Record<string, Filter>>>>;
  await file.write({
    acme: {
      smartlead: { apiKeyEnv: 'SMARTLEAD_API_KEY_ACME', ...filters['acme']?.['smartlead'] },
      lemlist: { apiKeyEnv: 'LEMLIST_API_KEY_ACME', ...filters['acme']?.['lemlist'] },
    },
    beta: {
      smartlead: { apiKeyEnv: 'SMARTLEAD_API_KEY_ACME', ...filters['beta']?.['smartlead'] },
      lemlist: { apiKeyEnv: 'LEMLIST_API_KEY', ...filters['beta']?.['lemlist'] },
    },
    solo: { smartlead: { apiKeyEnv: 'SMARTLEAD_API_KEY_ACME' } },
  });

  await using pipeline = await startPipeline({ simulators, env });
  await pipeline.explain(async () => {
    const { controlUrl, pool } = pipeline;
    for (const { control } of [pipeline.simulators.smartlead, pipeline.simulators.lemlist])
      control.advance({ to: 'now' });
    const assertExact = async (body: Readonly<Record<string, unknown>>): Promise<void> => {
      const jobs = [];
      for (const namespaces of ['acme', 'beta']) jobs.push(await pipeline.execute({ ...body, namespaces }));
      for (const jobId of jobs) {
        const job = await pipeline.waitForEnd(jobId);
        assert.equal(job.status, 'completed', JSON.stringify(job));
        assertBalanced(job.summary);
        assert.deepEqual(
          job.warnings.filter((warning) => warning.includes('namespace')),
          [],
        );
      }
      for (const [namespace, filter] of Object.entries(filters)) {
        const expected = await expectSync({ controlUrl }, namespace, (record) =>
          keeps(filter[record.platform] ?? {}, campaignOf(record)),
        );
        await assertRows(pipeline, expected, namespace);
        t.diagnostic(`${namespace}: ${expected.facts.size} rows`);
      }
    };
    await assertExact({});
    const { rows: accounts } = await pool.query<{ platform: string; label: string }>('select * from accounts');
    assert.deepEqual(
      accounts.map(({ platform }) => platform).toSorted(),
      ['lemlist', 'smartlead'],
      'a key is one account',
    );

    const before = await pool.query('select from event_source');
    pipeline.simulators.lemlist.control.advance({ to: 'now', activities: 40 });
    pipeline.simulators.smartlead.control.advance({ to: 'now', sends: 20, campaignIds: smartlead.slice(0, 4) });
    await assertExact({ syncMode: 'delta_since_last' });
    const after = await pool.query('select from event_source');
    assert.ok(after.rows.length > before.rows.length, 'the delta brought something');
    for (const secret of Object.values(keys)) assert.ok(!pipeline.output().includes(secret), 'a key is in the logs');
  });
});

test('a platform that an entry leaves out cannot be asked for, and an unknown namespace has the default keys', async () => {
  await using file = await openFile();
  await file.write({ solo: { smartlead: { apiKeyEnv: 'SMARTLEAD_API_KEY' } } });
  await using pipeline = await startPipeline({ simulators, env: { NAMESPACES_FILE: file.path } });
  await pipeline.explain(async () => {
    const ask = (body: object) =>
      pipeline.call('POST', '/api/full-sync/execute', { syncMode: 'full_historical', platforms: 'smartlead', ...body });
    const refused = await ask({ platforms: 'smartlead,lemlist', namespaces: 'solo' });
    assert.equal(refused.status, 400);
    const problem = JSON.parse(refused.text) as { code: string; errors: { pointer: string; message: string }[] };
    assert.equal(problem.code, 'SYNC_001');
    assert.deepEqual(problem.errors, [
      {
        pointer: '/platforms',
        message: 'lemlist cannot be read into namespace solo: NAMESPACES_FILE gives it no lemlist account',
      },
    ]);
    const warningsOf = async (body: object): Promise<readonly string[]> => {
      const answer = await ask(body);
      assert.equal(answer.status, 202, answer.text);
      const { jobId, warnings } = JSON.parse(answer.text) as { jobId: string; warnings: readonly string[] };
      assert.equal((await pipeline.waitForEnd(jobId)).status, 'completed');
      return warnings;
    };
    assert.deepEqual(await warningsOf({ namespaces: 'solo' }), []);
    assert.match((await warningsOf({ namespaces: 'gamma' })).join(), /^namespace gamma is new: .* default credentials/);
    assert.match((await warningsOf({ namespaces: 'gamma' })).join(), /^namespace gamma is not in NAMESPACES_FILE/);
    assert.deepEqual(await warningsOf({}), []);
    const expected = await expectSync(pipeline, 'gamma', ({ platform }) => platform === 'smartlead');
    await assertRows(pipeline, expected, 'gamma');
  });
});

for (const name of ['api', 'extractor']) {
  test(`${name} refuses a NAMESPACES_FILE that cannot be used, with the place of each fault`, async () => {
    await using file = await openFile();
    await file.write({ acme: { smartlead: { apiKeyEnv: 'SMARTLEAD_API_KEY_NOWHERE' }, hubspot: {} } });
    await using service = await spawnService({ name, env: { NAMESPACES_FILE: file.path } });
    const exit = await service.exited;
    assert.equal(exit.code, 2, service.output());
    assert.match(
      service.output(),
      /\/acme\/smartlead\/apiKeyEnv: expected a variable that is set; SMARTLEAD_API_KEY_NOWHERE is not/,
    );
    assert.match(service.output(), /\/acme\/hubspot: expected one of smartlead, lemlist/);
  });
}
