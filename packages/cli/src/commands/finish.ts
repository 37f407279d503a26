import { databaseConfig, loadConfig } from '@full-sync/runtime';
import { connectDatabase, countStoredRows } from '@full-sync/database';
import Type from 'typebox';
import type { ApiClient } from '../api-client.ts';
import { exitCodes } from '../errors.ts';
import type { Job } from '../job.ts';
import { printJson, printNote, printResult } from '../output.ts';
import { reportJob } from '../report.ts';
import type { StoredRows } from '../report.ts';
import { shortPath } from '../settings.ts';
import type { Settings } from '../settings.ts';

/** Prints what a job came to and where to look next; the exit code says whether it completed. */
export async function finishJob(
  job: Job,
  context: { readonly settings: Settings; readonly api: ApiClient; readonly json: boolean },
): Promise<number> {
  const { settings, api, json } = context;
  if (json) printJson(job.raw);
  else {
    printResult(`\n${reportJob(job, await storedRows(job, settings))}`);
    printResult(`\n${whereNext(settings, api)}`);
  }
  return job.status === 'completed' ? exitCodes.completed : exitCodes.failed;
}

/** The rows that the table holds now; null where the database is not known or does not answer. */
async function storedRows(job: Job, settings: Settings): Promise<readonly StoredRows[] | null> {
  if (!settings.hasDatabase) return null;
  try {
    const config = loadConfig(Type.Object(databaseConfig));
    await using db = await connectDatabase({ config, applicationName: 'full-sync-cli', poolMax: 1 });
    return await countStoredRows(db.pool, job.config);
  } catch (error) {
    printNote(`The rows of event_source were not counted: ${error instanceof Error ? error.message : String(error)}`);
    return null;
  }
}

function whereNext(settings: Settings, api: ApiClient): string {
  // The address holds a password: the line finds it without showing it.
  const address = settings.hasStackEnv
    ? `"$(sed -n 's/^DATABASE_URL=//p' ${shortPath(settings.stackEnv)})"`
    : '"$DATABASE_URL"';
  return [
    'Where to look next',
    `  API      ${api.url}/docs`,
    `  rows     psql ${address} -c 'select * from campaign_funnel'`,
    '  history  npm run cli -- history',
    `  metrics  npm run cli -- metrics; for Prometheus ${api.url}/metrics; boards for Grafana: docs/monitoring.md`,
  ].join('\n');
}
