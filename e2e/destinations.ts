import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { RunningSimulators } from '@full-sync/simulators';
import {
  expectAttio,
  expectDeliveries,
  judgeAttio,
  judgeMixpanel,
  readAttioPeople,
  readLedgers,
  readMixpanel,
  spawnProgram,
} from '@full-sync/testing';
import type { ExpectedDeliveries } from '@full-sync/testing';
import type { ApiClient, JobStatus } from './api-client.ts';

type Env = Readonly<Record<string, string>>;

/** The variables of both destinations, on simulators; Attio's budget is off. */
export function credentialsOf({ mixpanel, attio }: Pick<RunningSimulators, 'mixpanel' | 'attio'>): Env {
  const [project] = mixpanel.projects;
  const [account] = project?.serviceAccounts ?? [];
  return {
    MIXPANEL_BASE_URL: mixpanel.baseUrl,
    MIXPANEL_PROJECT_ID: project?.id ?? '',
    MIXPANEL_PROJECT_TOKEN: project?.token ?? '',
    MIXPANEL_SERVICE_ACCOUNT_USERNAME: account?.username ?? '',
    MIXPANEL_SERVICE_ACCOUNT_SECRET: account?.secret ?? '',
    ATTIO_BASE_URL: attio.baseUrl,
    ATTIO_API_KEY: attio.workspaces[0]?.tokens[0]?.token ?? '',
    ATTIO_RATE_LIMIT: 'off',
  };
}

/** Runs a command of the tool to its end; its exit code and what it printed. */
export async function runCli(args: readonly string[], env: Env): Promise<{ code: number | null; output: string }> {
  await using program = spawnProgram({
    name: 'cli',
    args: [join(import.meta.dirname, '..', 'packages', 'cli', 'src', 'main.ts'), ...args],
    // Not the root: a developer's .env there is none of a test's business.
    cwd: tmpdir(),
    env: { FULL_SYNC_HOME: tmpdir(), ...env },
  });
  const { code } = await program.exited;
  return { code, output: program.output() };
}

/** Makes the attributes without which nothing is written to a workspace. Throws with the tool's words. */
export async function setUpAttio(env: Env): Promise<void> {
  const { code, output } = await runCli(['attio', 'setup'], env);
  if (code !== 0) throw new Error(`the workspace of Attio could not be set up:\n${output}`);
}

/** What became of a job's events at a destination. */
export type DestinationCounts = JobStatus['destinations'][string];

/** Waits until nothing of a job waits at a destination, and returns what was done of it. Throws with what it last saw. */
export async function settled(
  { status }: Pick<ApiClient, 'status'>,
  jobId: string,
  name: string,
  deadlineMs = 60_000,
): Promise<DestinationCounts> {
  const endsAt = performance.now() + deadlineMs;
  for (;;) {
    const { destinations, completed_at: completedAt } = await status(jobId);
    const counts = destinations[name];
    if (completedAt !== null && counts?.waiting === 0) return counts;
    if (performance.now() > endsAt) {
      throw new Error(`${name} has not settled ${jobId} in ${deadlineMs} ms: ${JSON.stringify(destinations)}`);
    }
    await delay(100);
  }
}

/** What both destinations must hold of syncs into some namespaces, from the ledgers of the sources. */
export async function expectedOf(controlUrl: string, namespaces: readonly string[]): Promise<ExpectedDeliveries> {
  return await expectDeliveries(readLedgers(controlUrl), namespaces);
}

/** What is wrong with what Mixpanel shows, and with what a compaction would leave of it. */
export async function mixpanelProblems(controlUrl: string, expected: ExpectedDeliveries): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const view of ['query', 'compact']) {
    const found = await judgeMixpanel(expected, readMixpanel(controlUrl, view));
    problems.push(...found.map((problem) => `${view}: ${problem}`));
  }
  return problems;
}

/** What is wrong with the people that Attio holds. */
export async function attioProblems(controlUrl: string, expected: ExpectedDeliveries): Promise<readonly string[]> {
  return judgeAttio(expectAttio(expected), await readAttioPeople(controlUrl));
}
