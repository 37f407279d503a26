import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readQuery, withDurations } from './promql.ts';

test('reads metrics, matchers, ranges and the functions around them', () => {
  const facts = readQuery(
    'sum by (group) (rate(a_total{group=~"$group", b!="c"}[$__rate_interval])) / on (group) max(d)',
  );
  assert.deepEqual(facts, {
    errors: [],
    selectors: [
      {
        metric: 'a_total',
        matchers: [
          { label: 'group', operator: '=~', value: '$group' },
          { label: 'b', operator: '!=', value: 'c' },
        ],
        range: '$__rate_interval',
        within: ['rate', 'sum'],
      },
      { metric: 'd', matchers: [], range: null, within: ['max'] },
    ],
    grouping: ['group', 'group'],
  });
});

test('a range that was written out stays as it is written', () => {
  assert.equal(readQuery('increase(a_total[15m])').selectors[0]?.range, '15m');
});

for (const broken of ['sum(rate(a[5m])', 'rate(a)) by', 'a{b=}', 'a > > 1', '']) {
  test(`says that "${broken}" does not parse`, () => {
    assert.notDeepEqual(readQuery(broken).errors, []);
  });
}

test('puts durations in for the variables of Grafana', () => {
  assert.equal(withDurations('rate(a[$__rate_interval])', { $__rate_interval: '10s' }), 'rate(a[10s])');
});
