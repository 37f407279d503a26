import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { eventKey } from '@full-sync/schemas';
import { isAnotherFact, readKeyRequest } from './key-request.ts';
import type { AskedFact, KeyRequest } from './key-request.ts';

const time = '2024-01-15T10:30:00Z';
const timeMs = Date.parse(time);
const bare: KeyRequest = { platform: 'lemlist', eventType: 'custom_event' };

function factOf(request: KeyRequest): AskedFact {
  const reading = readKeyRequest(request);
  if (!reading.ok) assert.fail(JSON.stringify(reading.faults));
  return reading.fact;
}

function pointersOf(request: KeyRequest): readonly string[] {
  const reading = readKeyRequest(request);
  return reading.ok ? [] : reading.faults.map(({ pointer }) => pointer);
}

test('the golden requests give the golden keys', () => {
  const path = new URL('../../../../packages/schemas/golden/event-keys.json', import.meta.url);
  const { keys }: { readonly keys: readonly Golden[] } = JSON.parse(readFileSync(path, 'utf8'));
  // What no body may hold: a count as text, an integer that JSON numbers cannot hold.
  const asked = keys.filter(
    ({ request }) => typeof request.sequenceNumber !== 'string' && !isUnsafe(request.activityId),
  );
  for (const { note, request, key } of asked) assert.equal(eventKey(factOf(request).identity), key, note);
  assert.ok(asked.length >= 50);
});

test('an activityId needs nothing else; without one it takes a time and an email or lead id', () => {
  assert.deepEqual(factOf({ ...bare, activityId: 'Act_1' }).identity, {
    platform: 'lemlist',
    namespace: 'default',
    campaignId: null,
    eventType: 'custom_event',
    kind: 'id',
    parts: ['Act_1'],
  });
  assert.deepEqual(factOf({ ...bare, leadId: 'lea_1', timestamp: time }).identity.parts, ['lea_1', String(timeMs)]);
  const email = factOf({ ...bare, email: ' A@Example.Test ', leadId: 'lea_1', timestamp: time });
  assert.deepEqual(email.identity.parts, ['a@example.test', String(timeMs)]);
  assert.deepEqual(pointersOf(bare), ['/email', '/timestamp']);
  assert.deepEqual(pointersOf({ ...bare, email: 'a@example.test' }), ['/timestamp']);
});

test('a kind that is asked for says what it lacks', () => {
  assert.deepEqual(pointersOf({ ...bare, kind: 'id' }), ['/activityId']);
  assert.deepEqual(pointersOf({ ...bare, kind: 'lead', leadId: 'x' }), ['/email']);
  assert.deepEqual(pointersOf({ ...bare, kind: 'reply' }), ['/email', '/timestamp']);
  assert.deepEqual(pointersOf({ ...bare, kind: 'stats' }), ['/email', '/sequenceNumber', '/timestamp']);
});

test('values that say nothing, or cannot be read, are faults of their own', () => {
  assert.deepEqual(pointersOf({ ...bare, eventType: '---', activityId: 'a' }), ['/eventType']);
  assert.deepEqual(pointersOf({ ...bare, activityId: 'a', timestamp: '2024-01-15' }), ['/timestamp']);
  assert.deepEqual(pointersOf({ ...bare, email: 'a@example.test', timestamp: 'soon' }), ['/timestamp']);
});

test('a key belongs to another fact when the email or the time differs, whichever time of the fact is given', () => {
  const stored = { leadEmail: 'a@example.test', occurredAtMs: timeMs, sentTime: '2024-01-14 09:00:00' };
  const asked = (over: Partial<KeyRequest>): boolean =>
    isAnotherFact(stored, factOf({ ...bare, activityId: 'act_1', ...over }));
  assert.equal(asked({}), false);
  assert.equal(asked({ email: 'A@example.test', timestamp: time }), false);
  assert.equal(asked({ timestamp: '2024-01-14T09:00:00Z' }), false);
  assert.equal(asked({ email: 'b@example.test' }), true);
  assert.equal(asked({ timestamp: '2024-01-15T10:30:00.001Z' }), true);
});

interface Golden {
  readonly note: string;
  readonly request: KeyRequest;
  readonly key: string;
}

function isUnsafe(id: unknown): boolean {
  return typeof id === 'number' && !Number.isSafeInteger(id);
}
