import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '@full-sync/runtime';
import { lookOnce } from './look-once.ts';

function setUp(settle: () => Promise<void> = async () => undefined) {
  let now = 1_000;
  let looks = 0;
  const late = Promise.withResolvers<void>();
  const clock: Clock = { now: () => now, sleep: () => late.promise };
  const look = async (): Promise<void> => {
    looks += 1;
    await settle();
  };
  const once = lookOnce(look, { clock, freshMs: 50, patienceMs: 1_000 });
  return { ...once, looks: () => looks, pass: (ms: number) => void (now += ms), giveUp: late.resolve };
}

test('what was seen a moment ago is not looked at again', async () => {
  const { refresh, looks, pass } = setUp();
  await refresh();
  pass(49);
  await refresh();
  assert.equal(looks(), 1);
  pass(1);
  await refresh();
  assert.equal(looks(), 2);
});

test('several who ask at once share a look, and one that began too early is followed by another', async () => {
  const open = Promise.withResolvers<void>();
  const { look, refresh, looks, pass } = setUp(() => open.promise);
  const first = [look(), look(), refresh()];
  assert.equal(looks(), 1);
  pass(60);
  const second = refresh();
  open.resolve();
  await Promise.all([...first, second]);
  assert.equal(looks(), 2);
});

test('a look that fails or does not end holds nobody up, and is told to whoever looks', async () => {
  const failing = setUp(async () => {
    throw new Error('gone');
  });
  await failing.refresh();
  await assert.rejects(failing.look(), /gone/);
  const stuck = setUp(() => new Promise<void>(() => undefined));
  const asked = stuck.refresh();
  stuck.giveUp();
  await asked;
});
