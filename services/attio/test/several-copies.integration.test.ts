import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ensureDeliveryTarget } from '@full-sync/database';
import type { Database } from '@full-sync/database';
import { createLogger } from '@full-sync/runtime';
import type { Attio, Listing } from '../src/attio.ts';
import { ofPeople } from '../src/attio.ts';
import { claimPeople } from '../src/claim-people.ts';
import type { ClaimedPerson } from '../src/claim-people.ts';
import { activityAttributes } from '../src/domain/activity.ts';
import { attributes } from '../src/domain/attributes.ts';
import { emptyState } from '../src/domain/person-state.ts';
import { preflight } from '../src/preflight.ts';
import { lockHeld, settlePeople, suspectOvertaken } from '../src/settle-people.ts';
import type { EndedWrite, PersonEnd } from '../src/settle-people.ts';
import { createWorkspaceWatch } from '../src/workspace-watch.ts';
import { openBench } from './harness.ts';

const email = 'ada@example.com';
const written = { kind: 'written', recordId: 'record', answerCode: 200 } as const;

/** A workspace with one person who is due. */
async function openWorkspace(db: Database): Promise<number> {
  const targetId = await ensureDeliveryTarget(db.pool, { destination: 'attio', hash: 'workspace' });
  await db.pool.query('insert into attio_workspaces (target_id, attributes) values ($1, $2)', [
    targetId,
    ['outreach_status'],
  ]);
  await db.pool.query(
    `insert into attio_people (target_id, email, state, version, due_at) values ($1, $2, $3, 1, now())`,
    [targetId, email, JSON.stringify(emptyState)],
  );
  return targetId;
}

async function claim(db: Database, targetId: number, owner: string) {
  const claimed = await claimPeople(db, { targetId, owner, bounds: [], wanted: 10, uses: [] });
  const [person] = claimed.people;
  return { ...claimed, person };
}

/** Settles as the writer does. */
async function settle(
  db: Database,
  { targetId, owner }: { readonly targetId: number; readonly owner: string },
  { epoch, version }: ClaimedPerson,
  end: PersonEnd,
): Promise<number> {
  const ended: EndedWrite = { email, epoch, version, end };
  return await db.transaction(async (client) => {
    const held = await lockHeld(client, { targetId, owner }, [ended]);
    await suspectOvertaken(client, targetId, held.length === 0 ? [ended] : []);
    await settlePeople(client, targetId, held);
    return held.length;
  });
}

async function isDue(db: Database): Promise<boolean> {
  const { rows } = await db.pool.query<{ due: boolean }>('select due_at is not null as due from attio_people');
  return rows[0]?.due === true;
}

/** A workspace with these attributes of people, and these of activities or none at all. */
function attioWith(people: () => Listing, activities: () => Listing = () => ({ kind: 'absent', detail: '' })): Attio {
  const never = (): Promise<never> => Promise.reject(new Error('nobody asks for this here'));
  return {
    identify: never,
    createAttribute: never,
    createActivityKind: never,
    assertPerson: never,
    assertActivity: never,
    listAttributes: async (of) => (of === ofPeople ? people() : activities()),
  };
}

function listed(wanted: readonly { readonly slug: string; readonly type: string }[]): Listing {
  const plain = { isMultiselect: false, isUnique: true, isArchived: false };
  return { kind: 'listed', attributes: wanted.map(({ slug, type }) => ({ slug, type, ...plain })) };
}

test('a write that another copy has taken over is followed by one more, whoever came last', async () => {
  await using bench = await openBench();
  const { db } = bench;
  const targetId = await openWorkspace(db);
  const frozen = await claim(db, targetId, 'frozen');
  assert.ok(frozen.person !== undefined);
  await db.pool.query('update attio_people set lease_until = now()');
  const second = await claim(db, targetId, 'second');
  assert.ok(second.person !== undefined && second.person.epoch === frozen.person.epoch + 1);
  const startedMs = second.person.slot.atMs;

  // The lease that ran out is feared for a while; here it is over, and the second write is the last.
  await db.pool.query('update attio_people set suspect_until = null');
  assert.equal(await settle(db, { targetId, owner: 'second' }, second.person, { ...written, startedMs }), 1);
  assert.equal(await isDue(db), false);

  // The frozen process wakes up, and finds that its write was done.
  const late = { ...written, startedMs: frozen.person.slot.atMs };
  assert.equal(await settle(db, { targetId, owner: 'frozen' }, frozen.person, late), 0);
  assert.equal(await isDue(db), true);

  // While the next write is under way it happens again: that one is not the last either.
  const third = await claim(db, targetId, 'third');
  assert.ok(third.person !== undefined);
  await settle(db, { targetId, owner: 'frozen' }, frozen.person, late);
  await settle(db, { targetId, owner: 'third' }, third.person, { ...written, startedMs: third.person.slot.atMs });
  assert.equal(await isDue(db), true);

  // What was surely not done makes nobody due.
  await db.pool.query('update attio_people set due_at = null, suspect_until = null');
  const undone = { kind: 'again', waitMs: 0, unknown: false, failed: false } as const;
  await settle(db, { targetId, owner: 'frozen' }, frozen.person, undone);
  assert.equal(await isDue(db), false);
});

test('an attribute that one copy sees is written by all: also by those that looked before, and after what is under way', async () => {
  await using bench = await openBench();
  const { db } = bench;
  const targetId = await openWorkspace(db);
  const before = await claim(db, targetId, 'other copy');
  assert.ok(before.person !== undefined);
  assert.deepEqual(before.usable, new Set(['outreach_status']));
  const seen = await preflight(db, { targetId, attio: attioWith(() => listed(attributes)) }, { activities: false });
  assert.equal(seen.kind, 'ready');
  await settle(db, { targetId, owner: 'other copy' }, before.person, {
    ...written,
    startedMs: before.person.slot.atMs,
  });
  assert.equal(await isDue(db), true, 'that write was without the new ones');
  await db.pool.query('update attio_people set due_at = now()');
  const after = await claim(db, targetId, 'other copy');
  assert.ok(after.person !== undefined);
  assert.deepEqual(after.usable, new Set(attributes.map(({ slug }) => slug)));
});

test('an event that was entered as an activity while the workspace lost them is not waited for', async () => {
  await using bench = await openBench();
  const { db } = bench;
  const targetId = await openWorkspace(db);
  const look = (activities: Listing) =>
    preflight(
      db,
      {
        targetId,
        attio: attioWith(
          () => listed(attributes),
          () => activities,
        ),
      },
      { activities: true },
    );
  assert.equal((await look(listed(activityAttributes))).kind, 'ready');
  assert.equal((await look({ kind: 'absent', detail: 'gone' })).kind, 'ready');
  const eventId = '0123456789abcdef0123456789abcdef';
  await db.pool.query(
    `insert into deliveries (target_id, event_id, state, job_id) values ($1, $2, 'folded', 'job_a')`,
    [targetId, eventId],
  );
  await db.pool.query(
    `insert into attio_activities (target_id, event_id, email, job_id, values, due_at) values ($1, $2, $3, 'job_a', '{}', now())`,
    [targetId, eventId, email],
  );
  await look({ kind: 'absent', detail: 'gone' });
  const { rows } = await db.pool.query(
    'select state, (select count(*)::int from attio_activities) as waiting from deliveries',
  );
  assert.deepEqual(rows, [{ state: 'sent', waiting: 0 }]);
});

test('a halted workspace is looked at once before each probe, and not before the time that Attio asks for', async () => {
  await using bench = await openBench();
  const { db } = bench;
  const targetId = await openWorkspace(db);
  let nowMs = 1_000_000;
  let looks = 0;
  let answer: Listing = listed(attributes);
  const halts: string[] = [];
  const attio = attioWith(() => {
    looks += 1;
    return answer;
  });
  const watch = createWorkspaceWatch({
    db,
    workspace: { targetId, name: 'workspace', attio },
    logger: createLogger({ service: 'test', level: 'silent' }),
    activities: false,
    now: () => nowMs,
    onHalt: ({ code }) => halts.push(code),
    onWorks: () => halts.push('works'),
  });
  const turns = async (count: number): Promise<readonly boolean[]> => {
    const said: boolean[] = [];
    for (let turn = 0; turn < count; turn++) said.push(await watch.mayWrite());
    return said;
  };
  assert.deepEqual(await turns(3), [true, true, true]);
  assert.equal(looks, 1);

  // A write is refused: nothing for 5 s, then one look and a probe, however many turns that takes.
  watch.halt({ code: 'ATTIO_UNAUTHORIZED', detail: '' });
  assert.deepEqual(await turns(3), [false, false, false]);
  nowMs += 5_000;
  assert.deepEqual(await turns(5), [true, true, true, true, true]);
  assert.equal(looks, 2);
  watch.works();

  // The attributes are gone, then Attio is throttled: it is heeded.
  answer = listed([{ slug: 'name', type: 'personal-name' }]);
  nowMs += 300_000;
  assert.deepEqual(await turns(2), [false, false]);
  answer = { kind: 'unknown', detail: 'Attio answered 429', afterMs: 30_000 };
  nowMs += 5_000;
  assert.deepEqual(await turns(5), [false, false, false, false, false]);
  assert.equal(looks, 4);
  answer = listed(attributes);
  nowMs += 29_000;
  assert.deepEqual(await turns(2), [false, false]);
  nowMs += 1_000;
  assert.deepEqual(await turns(2), [true, true]);
  assert.equal(looks, 5);
  assert.deepEqual(halts, ['ATTIO_UNAUTHORIZED', 'works', 'ATTIO_ATTRIBUTES_MISSING', 'works']);
});
