import assert from 'node:assert/strict';
import { test } from 'node:test';
import { busiest, events, openBench, openSimulator } from './harness.ts';

test('two copies share 25 writes a second: never more in any second, and hardly less', async (t) => {
  await using bench = await openBench();
  await using attio = await openSimulator();
  attio.control.clearArrivals();
  const all = events(0, 400, (n) => ({ lead_email: `person${n}@example.com` }));
  for (const partition of [0, 1, 2, 3, 4, 5, 6, 7])
    await bench.publish(
      partition,
      all.filter((_, i) => i % 8 === partition),
    );
  const [first, second] = await Promise.all([0, 1].map(() => bench.start(attio.env)));
  await using _first = first;
  await using _second = second;
  await bench.quiet(120_000);
  assert.equal(attio.people().size, 400);
  const writes = attio.control.arrivals().filter(({ path }) => path.endsWith('/records'));
  const arrivals = writes.map(({ at }) => at);
  assert.equal(arrivals.length, 400);
  const mostInASecond = busiest(arrivals, 1000);
  // In steady state: without the first and the last two seconds.
  const steady = arrivals.filter((at) => at > (arrivals[0] ?? 0) + 2000 && at < (arrivals.at(-1) ?? 0) - 2000);
  const spanS = ((steady.at(-1) ?? 0) - (steady[0] ?? 0)) / 1000;
  const use = (steady.length - 1) / spanS / 25;
  t.diagnostic(
    `${(use * 100).toFixed(1)} % of the budget used over ${spanS.toFixed(1)} s, at most ${mostInASecond} in any second`,
  );
  assert.equal(attio.counts().throttled, 0);
  assert.ok(mostInASecond <= 25, `${mostInASecond} in a second`);
  assert.ok(use >= 0.5, `${use} of the budget: not even half of it was used`);
});
