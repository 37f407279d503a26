import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MIXPANEL_PROJECT } from '@full-sync/simulators';
import { waitFor, writeNamespacesFile } from '@full-sync/testing';
import { anEvent, someEvents } from './an-event.ts';
import { expectedView, openBench, openSimulator, viewOf } from './harness.ts';

const types = ['email_sent', 'email_opened', 'email_clicked', 'email_replied', 'linkedin_invite_done'];

test('what was asked for is shown once and counted, again and again; what was not is not', async () => {
  await using bench = await openBench();
  await using mixpanel = await openSimulator();
  const all = someEvents(0, 600, (n) => ({ event_type: types[n % types.length] ?? '' }));
  await using service = await bench.start(mixpanel.env);
  await bench.publish(0, all.slice(0, 300));
  await bench.publish(5, all.slice(300));
  await bench.publish(5, someEvents(10_000, 20), ['attio']);
  // Another sync of the same facts, by other records.
  const again = (n: number) => ({
    job_id: 'job_b',
    source_topic_id: '33333333-2222-3333-4444-555555555555',
    source_offset: n,
  });
  await bench.publish(
    0,
    someEvents(0, 300, (n) => ({ ...again(n), event_type: types[n % types.length] ?? '' })),
  );
  await bench.settled();
  assert.deepEqual(viewOf(mixpanel.query()), expectedView(all));
  assert.equal(mixpanel.counts().accepted, 600, 'not one copy more');
  assert.equal(mixpanel.counts().profiles, 50);
  assert.deepEqual(mixpanel.profiles().get('lead3@acme.com')?.['outreach_replied'], true);
  assert.deepEqual(await bench.counts('job_a'), { sent: 600, skipped: 0, failed: 0, waiting: 0 });
  assert.deepEqual(await bench.counts('job_b'), { sent: 0, skipped: 300, failed: 0, waiting: 0 });
  assert.equal(await service.metric('full_sync_deliveries_total', { outcome: 'sent' }), 600);
  assert.ok((await service.metric('full_sync_delivery_requests_total', { status: '200' })) > 0);
});

test('one refused event is one dead letter with Mixpanel’s reason, the rest is delivered', async () => {
  await using bench = await openBench();
  await using mixpanel = await openSimulator({
    refusals: [{ property: 'email_subject', value: 'Forbidden', message: 'not in this project' }],
  });
  await using letters = await bench.letters();
  const bad = { properties: JSON.stringify({ email_subject: 'Forbidden' }) };
  const old = { occurred_at: Date.UTC(1970, 5, 1) };
  const all = someEvents(0, 100, (n) => (n === 40 ? bad : n === 41 ? old : {}));
  await using service = await bench.start(mixpanel.env);
  await bench.publish(0, all);
  await bench.settled();
  assert.ok(!service.hasExited());
  await waitFor(() => letters.all.length >= 2, { deadlineMs: 60_000, what: 'the dead letters' });
  const letter = (offset: number) => {
    const found = letters.all.find((one) => one.origin_offset === offset);
    return [found?.stage, found?.code, found?.detail, found?.pointer];
  };
  assert.equal(letters.all.length, 2);
  const said = "'properties.email_subject' is invalid: not in this project";
  assert.deepEqual(letter(40), ['mixpanel', 'MIXPANEL_REFUSED', said, null]);
  const tooOld = 'Mixpanel takes no events from before 1971-01-01';
  assert.deepEqual(letter(41), ['mixpanel', 'MIXPANEL_TIME_TOO_OLD', tooOld, '/occurred_at']);
  assert.deepEqual(viewOf(mixpanel.query()), expectedView(all.filter((_event, n) => n !== 40 && n !== 41)));
  assert.deepEqual(await bench.counts('job_a'), { sent: 98, skipped: 0, failed: 2, waiting: 0 });
});

test('with wrong credentials nothing is lost or buried: it pauses, says so, and goes on when they are mended', async () => {
  await using bench = await openBench();
  await using mixpanel = await openSimulator();
  mixpanel.control.fault({ kind: 'rejectKey', path: '/import', count: 1_000 });
  const all = someEvents(0, 200);
  await using service = await bench.start(mixpanel.env);
  await bench.publish(0, all);
  const halted = async (): Promise<boolean> => (await service.metric('full_sync_delivery_halted')) === 1;
  await waitFor(halted, { deadlineMs: 60_000, what: 'the halt' });
  const ready = await fetch(`${service.url}/readyz`);
  assert.equal(ready.status, 503);
  assert.match(await ready.text(), /MIXPANEL_UNAUTHORIZED/);
  assert.deepEqual(await bench.counts('job_a'), { sent: 0, skipped: 0, failed: 0, waiting: 0 });
  mixpanel.control.clearFaults();
  await bench.settled();
  assert.deepEqual(viewOf(mixpanel.query()), expectedView(all));
  assert.equal((await fetch(`${service.url}/readyz`)).status, 200);
  assert.ok(!service.output().includes(mixpanel.env['MIXPANEL_SERVICE_ACCOUNT_SECRET'] ?? '-'));
});

const acme = { id: '7000', token: 'a-token-of-acme-0123456789', serviceAccounts: [] };

test('each namespace goes to its own project; one without credentials is skipped', async () => {
  await using bench = await openBench();
  await using mixpanel = await openSimulator({ projects: [MIXPANEL_PROJECT, acme] });
  await using file = await writeNamespacesFile({
    acme: { mixpanel: { projectTokenEnv: 'TOKEN_OF_ACME' } },
    silent: { mixpanel: null },
  });
  const namespaces = ['test', 'acme', 'silent'];
  const all = someEvents(0, 90, (n) => ({ namespace: namespaces[n % 3] ?? '' }));
  await using service = await bench.start({ ...mixpanel.env, NAMESPACES_FILE: file.path, TOKEN_OF_ACME: acme.token });
  await bench.publish(2, all);
  await bench.settled();
  assert.ok(!service.hasExited());
  const of = (namespace: string) => all.filter((event) => event.namespace === namespace);
  assert.deepEqual(viewOf(mixpanel.query(MIXPANEL_PROJECT.id)), expectedView(of('test')));
  assert.deepEqual(viewOf(mixpanel.query(acme.id)), expectedView(of('acme')));
  assert.deepEqual(await bench.counts('job_a'), { sent: 60, skipped: 30, failed: 0, waiting: 0 });
});

test('a project that refuses its key holds up no other, and has all its events once the key is right', async () => {
  await using bench = await openBench();
  await using mixpanel = await openSimulator({ projects: [MIXPANEL_PROJECT, acme] });
  await using file = await writeNamespacesFile({
    acme: { mixpanel: { projectId: acme.id, projectTokenEnv: 'TOKEN_OF_ACME' } },
  });
  const all = someEvents(0, 400, (n) => ({ namespace: n % 2 === 0 ? 'test' : 'acme' }));
  const of = (namespace: string) => all.filter((event) => event.namespace === namespace);
  const env = { ...mixpanel.env, NAMESPACES_FILE: file.path };
  {
    await using service = await bench.start({ ...env, TOKEN_OF_ACME: 'a-token-of-nobody-0123456789' });
    await bench.publish(4, all);
    await bench.settled();
    assert.deepEqual(viewOf(mixpanel.query(MIXPANEL_PROJECT.id)), expectedView(of('test')));
    assert.deepEqual(await bench.counts('job_a'), { sent: 200, skipped: 0, failed: 0, waiting: 200 });
    assert.match(await (await fetch(`${service.url}/readyz`)).text(), /MIXPANEL_/);
    await service.kill('SIGTERM');
  }
  // Whoever mends a credential restarts the service.
  await using service = await bench.start({ ...env, TOKEN_OF_ACME: acme.token });
  const sent = async (): Promise<boolean> => (await bench.counts('job_a')).waiting === 0;
  await waitFor(sent, { deadlineMs: 60_000, what: 'what was set aside to be sent' });
  assert.deepEqual(viewOf(mixpanel.query(acme.id)), expectedView(of('acme')));
  assert.deepEqual(await bench.counts('job_a'), { sent: 400, skipped: 0, failed: 0, waiting: 0 });
  assert.ok(!service.hasExited());
});

test('what has only just happened is shown under its own time', async () => {
  await using bench = await openBench();
  await using mixpanel = await openSimulator();
  await using service = await bench.start(mixpanel.env);
  const all = [anEvent(0, { occurred_at: Date.now() + 2_000 }), anEvent(1, { occurred_at: Date.now() - 60_000 })];
  await bench.publish(0, all);
  await bench.settled();
  assert.ok(!service.hasExited());
  assert.deepEqual(viewOf(mixpanel.query()), expectedView(all));
});
