import { expectAttio, expectMixpanel } from '@full-sync/testing';
import type { ExpectedDeliveries } from '@full-sync/testing';
import type { JobStatus } from '../api-client.ts';
import { attioProblems, expectedOf, mixpanelProblems } from '../destinations.ts';
import { names } from './delivery-stage.ts';
import type { Stage, Sync } from './delivery-stage.ts';
import { verifyJob } from './verify-job.ts';

/** Holds a sync that is over against the oracle: rows, counts of the pipeline, counts of the destinations. */
export async function judgeSync(
  stage: Stage,
  { jobId, namespace, facts, asked }: Sync,
  status: JobStatus,
): Promise<void> {
  const { system, problems } = stage;
  const verdict = await verifyJob(system, { namespace, facts, status });
  const expected = await expectedOf(system.controlUrl, [namespace]);
  const attio = expectAttio(expected);
  const due = {
    mixpanel: { least: expectMixpanel(expected).size, most: expectMixpanel(expected).size },
    attio,
  };
  const found = [...verdict.problems];
  for (const name of names) {
    const counts = status.destinations[name];
    const { sent = -1, skipped = -1, failed = -1, waiting = -1 } = counts ?? {};
    const derived = asked.includes(name) ? status.summary.events_derived : 0;
    const { least, most } = asked.includes(name) ? due[name] : { least: 0, most: 0 };
    if (sent < least || sent > most) found.push(`${name}: ${sent} sent, due are ${least} to ${most}`);
    if (failed !== 0 || sent + skipped + waiting !== derived)
      found.push(`${name}: ${JSON.stringify(counts)} of ${derived} events`);
  }
  problems.push(...found.map((problem) => `${jobId}: ${problem}`));
}

/** Holds what both destinations hold of these namespaces against the oracle. */
export async function judgeStates(stage: Stage, tracked: readonly string[], synced: readonly string[]): Promise<void> {
  const { system, problems, note } = stage;
  const { controlUrl } = system;
  const letters = await system.pool.query(`select from dead_letters where stage in ('mixpanel', 'attio')`);
  if (letters.rows.length > 0) problems.push(`${letters.rows.length} dead letters of destinations`);
  const expected: ExpectedDeliveries = await expectedOf(controlUrl, tracked);
  problems.push(...(await mixpanelProblems(controlUrl, expected)));
  const people = await expectedOf(controlUrl, synced);
  problems.push(...(await attioProblems(controlUrl, people)));
  note(`Mixpanel held against ${expected.size} events, Attio against ${expectAttio(people).people.size} people`);
}
