import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { events, idOf, openBench } from './harness.ts';

test('a folder makes a destination: the example writes a file per event, each counted for its job', async () => {
  await using bench = await openBench();
  const directory = await mkdtemp(join(tmpdir(), 'full-sync-file-'));
  try {
    const nobody = { lead_email: null, lead_id: 'lead 7' };
    await bench.publish(
      0,
      events(0, 40, (n) => (n === 7 ? nobody : {})),
      { destinations: [] },
    );
    await bench.publish(
      3,
      events(100, 10, () => ({ job_id: 'job_b' })),
      { destinations: ['mixpanel'] },
    );
    await using program = await bench.start('file', { FILE_DIRECTORY: directory });
    await bench.passed('file', 0, 40);
    await bench.passed('file', 3, 10);
    assert.ok(!program.hasExited());

    const wanted = [...Array(40).keys(), ...Array.from({ length: 10 }, (_, n) => 100 + n)].filter((n) => n !== 7);
    assert.deepEqual((await readdir(directory)).toSorted(), wanted.map((n) => `${idOf(n)}.json`).toSorted());
    assert.deepEqual(JSON.parse(await readFile(join(directory, `${idOf(3)}.json`), 'utf8')), {
      event: 'email_sent',
      lead: 'lead3@example.test',
      at: new Date(1_772_000_000_126).toISOString(),
    });
    assert.deepEqual(await bench.counts('job_a', 'file'), { sent: 39, skipped: 1, failed: 0, waiting: 0 });
    assert.deepEqual(await bench.counts('job_b', 'file'), { sent: 10, skipped: 0, failed: 0, waiting: 0 });
    const { rows } = await bench.db.pool.query(
      'select state, code, count(*)::int, count(payload)::int as payloads from deliveries group by 1, 2 order by 1, 2',
    );
    assert.deepEqual(rows, [
      { state: 'sent', code: null, count: 49, payloads: 0 },
      { state: 'skipped', code: 'NO_EMAIL', count: 1, payloads: 0 },
    ]);
  } finally {
    await rm(directory, { recursive: true });
  }
});
