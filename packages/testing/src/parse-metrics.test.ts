import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMetrics } from './parse-metrics.ts';

test('reads metrics with their labels, escapes and values', () => {
  const text = [
    '# HELP jobs Jobs \\\\ by status.',
    '# TYPE jobs gauge',
    'jobs{status="a \\"b\\", c",n="1"} 2',
    'jobs 1e-3',
    '',
    '# HELP took Seconds.',
    '# TYPE took histogram',
    'took_bucket{le="+Inf"} 3',
    'took_sum 4.5',
    'took_count 3',
    '',
  ].join('\n');
  assert.deepEqual(parseMetrics(text), [
    {
      name: 'jobs',
      help: 'Jobs \\ by status.',
      type: 'gauge',
      samples: [
        { name: 'jobs', labels: { status: 'a "b", c', n: '1' }, value: 2 },
        { name: 'jobs', labels: {}, value: 0.001 },
      ],
    },
    {
      name: 'took',
      help: 'Seconds.',
      type: 'histogram',
      samples: [
        { name: 'took_bucket', labels: { le: '+Inf' }, value: 3 },
        { name: 'took_sum', labels: {}, value: 4.5 },
        { name: 'took_count', labels: {}, value: 3 },
      ],
    },
  ]);
});

test('a sample of another metric, and a line of something else, are refused', () => {
  assert.throws(() => parseMetrics('# HELP a A.\n# TYPE a gauge\nb 1\n'), /does not belong to a/);
  assert.throws(() => parseMetrics('<html>'), /not a line/);
});
