import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiContext } from './context.ts';
import type { KnownRoute } from './route-rules.ts';
import { buildServer } from './server.ts';

/** Registering a route touches nothing of this; answering a request would. */
const settings = { API_RATE_LIMIT: 'off', API_OPEN_PATHS: 'none' };
const context: ApiContext = Object(
  new Proxy({ config: settings }, { get: (known, name) => (name === 'config' ? known.config : {}) }),
);

async function allRoutes(): Promise<readonly KnownRoute[]> {
  const routes: KnownRoute[] = [];
  const app = await buildServer(context, (route) => routes.push(route));
  await app.ready();
  await app.close();
  return routes;
}

test('every route says who may call it', async () => {
  const routes = await allRoutes();
  assert.ok(routes.some(({ url }) => url === '/api/full-sync/execute'));
  assert.ok(routes.some(({ url }) => url.startsWith('/docs/')));
  const silent = routes.filter(({ scope }) => scope === null || scope.length === 0);
  assert.deepEqual(silent, [], 'add `config: { scope: ... }` beside the schema; see services/api/README.md');
});

test('what needs no key is the description and the probes, nothing else', async () => {
  const open = (await allRoutes()).filter(({ scope }) => scope === 'open' || scope === 'probe');
  const places = new Set(open.map(({ url }) => url.replace(/^\/docs\/?.*/, '/docs')));
  assert.deepEqual([...places].toSorted(), ['/docs', '/livez', '/metrics', '/openapi.json', '/readyz']);
});
