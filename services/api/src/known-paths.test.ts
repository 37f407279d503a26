import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createKnownPaths } from './known-paths.ts';

test('a path is known by its form, and all of its methods are named', () => {
  const paths = createKnownPaths();
  paths.add('POST', '/api/jobs/:id/pause');
  paths.add('GET', '/api/jobs');
  paths.add('HEAD', '/api/jobs');
  paths.add('GET', '/docs/*');
  assert.deepEqual(paths.methodsOf('/api/jobs'), ['GET', 'HEAD']);
  assert.deepEqual(paths.methodsOf('/api/jobs/'), ['GET', 'HEAD']);
  assert.deepEqual(paths.methodsOf('/api/jobs/j1/pause'), ['POST']);
  assert.deepEqual(paths.methodsOf('/docs/static/x.js'), ['GET']);
  for (const path of ['/api/job', '/api/jobs/j1', '/api/jobs/j1/pause/x', '/api/jobs//pause', '/'])
    assert.deepEqual(paths.methodsOf(path), [], path);
});
