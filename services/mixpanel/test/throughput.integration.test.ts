import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { spawnProgram, waitFor } from '@full-sync/testing';
import type { ChildProgram } from '@full-sync/testing';
import { someEvents } from './an-event.ts';
import { openBench } from './harness.ts';

const events = 24_000;
const partitions = 12;

test('a backlog on all partitions is delivered once, batch by batch; how fast is printed', async (t) => {
  await using bench = await openBench();
  await using simulators = startSimulators();
  const line = await lineOf(simulators);
  await using service = await bench.start({
    MIXPANEL_BASE_URL: line['mixpanel'] ?? '',
    MIXPANEL_PROJECT_ID: line['mixpanelProject'] ?? '',
    MIXPANEL_SERVICE_ACCOUNT_USERNAME: line['mixpanelUser'] ?? '',
    MIXPANEL_SERVICE_ACCOUNT_SECRET: line['mixpanelSecret'] ?? '',
    MIXPANEL_PROJECT_TOKEN: line['mixpanelToken'] ?? '',
  });
  const beganAt = performance.now();
  const each = events / partitions;
  for (let partition = 0; partition < partitions; partition += 1)
    await bench.publish(partition, someEvents(partition * each, each, likeLemlist));
  await bench.settled(120_000);
  const perSecond = Math.round(events / ((performance.now() - beganAt) / 1000));
  t.diagnostic(`${perSecond} events a second, publishing and the start of the group included`);
  assert.ok(!service.hasExited());
  const counts: unknown = await (await fetch(`${line['control']}/counts?platform=mixpanel`)).json();
  assert.equal(Reflect.get(Object(counts), 'visible'), events);
});

/** A process of its own: it is not to share ours. */
function startSimulators(): ChildProgram {
  const main = join(import.meta.dirname, '..', '..', '..', 'packages', 'simulators', 'src', 'main.ts');
  return spawnProgram({ name: 'simulators', args: [main, '--size', 'small'], cwd: import.meta.dirname, env: {} });
}

async function lineOf(simulators: ChildProgram): Promise<Readonly<Record<string, string>>> {
  const find = (): string | undefined => /\{"event":"listening".*\}/.exec(simulators.output())?.[0];
  await waitFor(() => find() !== undefined || simulators.hasExited(), { deadlineMs: 60_000, what: 'the simulators' });
  return JSON.parse(find() ?? '{}') as Readonly<Record<string, string>>;
}

/** As much as a record of Lemlist says. */
function likeLemlist(n: number) {
  const types = ['email_sent', 'email_opened', 'linkedin_invite_done', 'email_replied'];
  const record = {
    _id: `act_${n}`,
    type: 'emailsSent',
    teamId: 'tea_Kp3vWq8ZtR5mNc2Lx',
    userId: 'usr_Kp3vWq8ZtR5mNc2Lx',
    leadFirstName: 'Ada',
    leadLastName: 'Byron',
    leadCompanyName: 'Fjordworks',
    sequenceId: 'seq_Kp3vWq8ZtR5mNc2Lx',
    sequenceStep: n % 4,
    stepId: 'stp_Kp3vWq8ZtR5mNc2Lx',
    sendUserName: 'Jo Berg',
    isFirst: n % 2 === 0,
    subject: 'Closing the books faster',
    lead: { _id: 'lea_1', state: 'emailsSent', variables: { firstName: 'Ada', 'Company size': '50-200' } },
  };
  const lead = `lead${n % 5_000}@acme.com`;
  const type = types[n % types.length] ?? '';
  return { platform: 'lemlist', event_type: type, lead_email: lead, properties: JSON.stringify(record) };
}
