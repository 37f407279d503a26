import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isLoopbackHost, refusalOf } from './loopback.ts';

test('only names that cannot be rebound are loopback', () => {
  for (const host of ['localhost', 'LOCALHOST', '127.0.0.1', '127.8.9.1', '::1', '[::1]'])
    assert.equal(isLoopbackHost(host), true, host);
  for (const host of ['', '0.0.0.0', '::', '127.0.0.1.evil.com', 'localhost.evil.com', '128.0.0.1', '127.1', 'host'])
    assert.equal(isLoopbackHost(host), false, host);
});

test('a page of another origin cannot use the open server', () => {
  const host = '127.0.0.1:3000';
  assert.equal(refusalOf({ host }), null);
  assert.equal(refusalOf({ host, origin: 'http://127.0.0.1:3000', 'sec-fetch-site': 'same-origin' }), null);
  assert.equal(refusalOf({ host: '[::1]:3000', 'sec-fetch-site': 'none' }), null);
  for (const headers of [
    {},
    { host: 'rebound.evil.com:3000' },
    { host: 'localhost@evil.com' },
    { host, origin: 'http://evil.com' },
    { host, origin: 'null' },
    { host, origin: 'http://127.0.0.1:8080' },
    { host, 'sec-fetch-site': 'cross-site' },
  ])
    assert.match(refusalOf(headers) ?? '', /^Without API keys/, JSON.stringify(headers));
});
