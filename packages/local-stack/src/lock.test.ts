import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { lockHolder, tryLock } from './lock.ts';

const directory = mkdtempSync(join(tmpdir(), 'full-sync-lock-test-'));
after(() => {
  rmSync(directory, { recursive: true });
});

test('a lock is held once, free again when released, and leaves no other file', () => {
  const path = join(directory, 'lock');
  const held = tryLock(path);
  assert.ok(held);
  assert.equal(tryLock(path), undefined);
  assert.equal(lockHolder(path)?.pid, process.pid);
  held.release();
  assert.deepEqual(readdirSync(directory), []);
  tryLock(path)?.release();
});

test('a lock whose pid now belongs to another process, or that is no lock at all, is taken over', () => {
  const path = join(directory, 'stale');
  for (const content of [JSON.stringify({ pid: process.pid, identity: 'an earlier life' }), '{"pid":', '']) {
    writeFileSync(path, content);
    const lock = tryLock(path);
    assert.ok(lock, content);
    lock.release();
  }
});
