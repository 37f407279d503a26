import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allowsValue, isOpenLabel } from './model.ts';
import { metricSections, metricsOf, metricTable } from './table.ts';

const all = [...metricTable.values()];
/** Names that Prometheus' own client libraries have given these. */
const isOfNode = (name: string): boolean => /^(?:process|nodejs)_/.test(name);

test('no two metrics have one name', () => {
  const listed = metricSections.reduce((sum, { metrics }) => sum + metrics.length, 0);
  assert.equal(listed, metricTable.size);
  assert.ok(listed > 80);
});

for (const metric of all) {
  const { name, type, unit, labels, meaning, whenHigh } = metric;

  test(`${name} is named by its unit and kind, in base units`, () => {
    assert.match(name, /^(?:full_sync|process|nodejs)(?:_[a-z0-9]+)+$/);
    assert.equal(name.endsWith('_total'), type === 'counter', 'counters, and nothing else, end in _total');
    assert.doesNotMatch(name, /_(?:ms|milliseconds|minutes|hours|kb|mb|percent)(?:_|$)/);
    const stem = name.replace(/_total$/, '');
    if (unit === 'seconds') assert.match(stem, /_seconds$/);
    if (unit === 'timestamp') assert.match(stem, /_(?:start_time|timestamp)_seconds$/);
    if (unit === 'bytes') assert.match(stem, /_bytes$/);
    if (unit === 'ratio') assert.match(stem, /_ratio$/);
    if (!isOfNode(name)) assert.match(name, /^full_sync_/);
  });

  test(`${name} is explained, and its labels are bounded`, () => {
    assert.match(meaning, /^[A-Z0-9].{10,}\.$/s);
    assert.match(whenHigh, /.{15,}\.$/s);
    assert.doesNotMatch(`${meaning}${whenHigh}`, /\n/);
    let series = 1;
    for (const [label, rule] of Object.entries(labels)) {
      assert.match(label, /^[a-z][a-z0-9_]*$/);
      assert.ok(label !== 'service' && label !== 'le' && label !== 'instance');
      if (!isOpenLabel(rule)) {
        assert.equal(new Set(rule).size, rule.length);
        assert.ok(rule.every((value) => value !== ''));
      } else {
        assert.equal(allowsValue(rule, ''), false);
        assert.ok(rule.atMost >= 1 && rule.atMost <= 100);
      }
      series *= isOpenLabel(rule) ? rule.atMost : rule.length;
    }
    // Most at once, and only where there are many routes or groups.
    assert.ok(series <= 3_200, `${series} series`);
  });

  if (metric.type === 'histogram') {
    test(`${name} has rising buckets`, () => {
      const { buckets } = metric;
      assert.ok(buckets.length >= 5 && buckets.length <= 16);
      assert.ok(buckets.every((bound, index) => bound > (buckets[index - 1] ?? 0)));
    });
  }
}

test('a service has its own metrics and those of every process; a name that is none of ours is a destination', () => {
  const namesOf = (service: string): ReadonlySet<string> => new Set(metricsOf(service).map(({ name }) => name));
  assert.ok(namesOf('loader').has('full_sync_loader_events_total') && namesOf('loader').has('full_sync_build_info'));
  assert.ok(!namesOf('keyer').has('full_sync_database_connections'));
  assert.ok(
    namesOf('mixpanel').has('full_sync_deliveries_total') && namesOf('anything').has('full_sync_deliveries_total'),
  );
  assert.ok(!namesOf('mixpanel').has('full_sync_jobs'));
});
