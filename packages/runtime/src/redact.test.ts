import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createLogger } from './logger.ts';
import { redactText, redactUrl, rememberSecret } from './redact.ts';

const key = 'a91c7e5f_0xKEYxyz';
const basic = Buffer.from(`:${key}`).toString('base64');

const carriers: readonly ((secret: string) => string)[] = [
  (secret) => `GET https://server.example/api/v1/campaigns?limit=1&api_key=${secret}&offset=0 failed`,
  (secret) => `request to /campaigns?api_key=${secret}`,
  (secret) => `SMARTLEAD_API_KEY=${secret}`,
  (secret) => `{"headers":{"authorization":"Basic ${secret}"}}`,
  (secret) => `Authorization: Bearer ${secret}`,
  (secret) => JSON.stringify({ note: JSON.stringify({ apiKey: secret, password: `${secret} ${secret}` }) }),
  (secret) => `{ apiKey: '${secret}', limit: 3 }`,
  (secret) => `connect postgres://user:${secret}@db.example:5432/sync failed`,
  (secret) => `access_token=${secret}`,
  (secret) => `secret: ${secret}, imap_password: "${secret}"`,
  (secret) => `api_key%3D${secret}`,
  (secret) => `whsec_${secret}`,
  (secret) => `key fsk_0123456789ab_${secret} was refused`,
];

test('no carrier of a secret shows it, though nobody made it known', () => {
  for (const carry of carriers) assert.ok(!redactText(carry(key)).includes(key), redactText(carry(key)));
});

test('any secret of letters and digits is hidden in every carrier', () => {
  const secrets = fc.stringMatching(/^[A-Za-z0-9]{16,40}$/);
  fc.assert(
    fc.property(secrets, fc.constantFrom(...carriers), (secret, carry) => {
      assert.ok(!redactText(carry(secret)).includes(secret));
    }),
  );
});

test('redacting twice changes nothing more', () => {
  for (const carry of carriers) {
    const once = redactText(carry(key));
    assert.equal(redactText(once), once);
  }
});

test('text without secrets stays as it is', () => {
  for (const text of [
    'stream 12 of campaign 3310457: 1000 rows in 812 ms',
    'password authentication failed for user "sync"',
    'https://api.lemlist.example/api/activities?version=v2&offset=100',
    'Unexpected token } in JSON at position 4',
    '{"apiKeyEnv":"SMARTLEAD_KEY_ACME","eventKey":"smartlead:1:2:sent"}',
  ]) {
    assert.equal(redactText(text), text);
  }
});

test('a URL keeps its address and loses its secrets, however the parameter is spelt', () => {
  assert.equal(
    redactUrl('https://user:hunter22@host.example/a?api%5Fkey=abc&limit=5&access_token=def'),
    'https://user:[redacted]@host.example/a?api_key=[redacted]&limit=5&access_token=[redacted]',
  );
});

function linesOf(log: (logger: ReturnType<typeof createLogger>) => void): string {
  const lines: string[] = [];
  log(
    createLogger({ service: 'test', level: 'trace', destination: { write: (line: string) => void lines.push(line) } }),
  );
  return lines.join('');
}

test('no way of logging lets a remembered key out: message, fields, bindings, errors, causes (I7)', () => {
  rememberSecret(key);
  const error = new Error(`upstream said ${key}`, { cause: new AggregateError([new Error(`inner ${basic}`)], key) });
  const lines = linesOf((logger) => {
    logger.info(`a message with ${key}`);
    logger.info({ url: new URL(`https://host/?k=${key}`), list: [key], map: new Map([['a', key]]) }, 'fields %s', key);
    logger.child({ request: { headers: { authorization: `Basic ${basic}` } } }).warn('bindings');
    logger.error(error);
    logger.error({ err: error, [key]: 1 }, 'wrapped');
  });
  assert.equal(lines.trim().split('\n').length, 5);
  assert.ok(!lines.includes(key) && !lines.includes(basic), lines);
  for (const line of lines.trim().split('\n')) assert.equal(JSON.parse(line).service, 'test');
});

test('fields named like secrets and message bodies are hidden at any depth, whatever they hold', () => {
  const lines = linesOf((logger) =>
    logger.info({ a: { b: [{ apiKey: { nested: 'x1' }, email_message: '<p>x2</p>', Password: 'x3' }] }, token: 'x4' }),
  );
  assert.doesNotMatch(lines, /x[1-4]/);
  assert.equal(lines.match(/\[redacted\]/g)?.length, 4);
});

test('of a driver error only what names the fault is logged, not the row it was about', () => {
  const error = Object.assign(new Error('duplicate key'), {
    code: '23505',
    table: 'jobs',
    detail: 'Key (a)=(mira) exists',
  });
  const lines = linesOf((logger) => logger.error({ err: error }, 'failed'));
  assert.match(lines, /"code":"23505".*"table":"jobs"/);
  assert.doesNotMatch(lines, /mira/);
});

test('a log line stays small whatever is logged', () => {
  const lines = linesOf((logger) =>
    logger.info({ huge: 'x'.repeat(1e6), list: Array.from({ length: 1e5 }, () => 1), bytes: Buffer.alloc(1e6) }),
  );
  assert.ok(lines.length < 20_000, `${lines.length}`);
});
