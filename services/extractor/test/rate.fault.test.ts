import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitFor } from '@full-sync/testing';
import { openBench } from './bench.ts';

const spans = 10;
const limit = { count: 20, spanMs: 2_000 };

test('two extractors stay within 20 requests in any 2 s, and go on after SIGKILL of either', async (t) => {
  await using bench = await openBench({
    size: { smartlead: { campaigns: 1, rows: 0 }, lemlist: { campaigns: 4, activities: 60_000 } },
    // Above the extractors' own limit by nothing: a request too many would be refused, and counted.
    lemlist: { rateLimit: '20/2s', latencyMs: 10 },
    limits: { lemlist: '20/2s' },
  });
  await bench.pretendKeyed();
  const first = await bench.startExtractor();
  const second = await bench.startExtractor();
  await bench.submit({ platforms: ['lemlist'], parallelWorkers: 8 });
  const { control } = bench.simulators.lemlist;
  await waitFor(() => control.arrivalCount() >= 10, { what: 'the first requests' });

  const beganAt = performance.now();
  const before = control.arrivalCount();
  const enough = (): boolean => performance.now() - beganAt >= spans * limit.spanMs;
  await waitFor(enough, { what: 'ten spans', deadlineMs: 60_000 });
  const used = control.arrivalCount() - before;
  const elapsed = performance.now() - beganAt;
  const share = used / ((elapsed / limit.spanMs) * limit.count);
  // How much of the budget is used depends on the machine: `npm run drill -- rates` judges it.
  // A place is free again one span after its request was answered, so what is allowed depends on the time that takes.
  const { rows } = await bench.database.pool.query<{ ms: number }>(
    `select (avg(extract(epoch from settled_at - slot_at)) * 1000)::float8 as ms from permits where settled_at < now()`,
  );
  const answerMs = rows[0]?.ms ?? 0;
  const allowedShare = share * (1 + answerMs / limit.spanMs);

  // Requests of which a dead process left no word keep their places for as long as they may be under way.
  const goesOn = { what: 'work to go on', deadlineMs: 60_000 };
  await first.kill('SIGKILL');
  const third = await bench.startExtractor();
  const afterRestart = control.arrivalCount();
  await waitFor(() => control.arrivalCount() >= afterRestart + 40, goesOn);
  await second.kill('SIGKILL');
  await waitFor(() => control.arrivalCount() >= afterRestart + 80, goesOn);
  assert.equal(third.hasExited(), false);

  const refused = control.arrivals().filter(({ accepted }) => !accepted).length;
  const most = control.maxInWindow(limit.spanMs);
  const percent = (of: number): string => `${(of * 100).toFixed(1)} %`;
  t.diagnostic(`${percent(share)} of the limit used over ${spans} spans, ${most} requests at most in one span`);
  t.diagnostic(`${answerMs.toFixed(1)} ms from slot to answer: ${percent(allowedShare)} of what is allowed with that`);
  assert.equal(refused, 0);
  assert.ok(most <= limit.count, `${most} in one span`);
});
