import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { PartName } from './addresses.ts';
import { isCached } from './cache.ts';
import { StackError } from './errors.ts';
import { findJava } from './java.ts';
import { kafkaDownload, registryDownload } from './maven.ts';
import { findPrograms } from './postgres.ts';

/**
 * Checks that this machine has what the local programs of the missing parts need: Java, Maven unless the programs are
 * cached already, and PostgreSQL's package. Throws StackError naming what is missing and how to get it.
 */
export async function expectLocalPrograms(missing: readonly PartName[], env: NodeJS.ProcessEnv): Promise<void> {
  if (missing.includes('postgres')) findPrograms();
  const downloads = [
    ...(missing.includes('kafka') ? [kafkaDownload] : []),
    ...(missing.includes('registry') ? [registryDownload] : []),
  ];
  if (downloads.length === 0) return;
  await findJava(env);
  if (downloads.every((download) => isCached(download, env)) || isOnPath('mvn', env)) return;
  throw new StackError(
    'Maven (mvn) was not found; the broker and the schema registry are fetched with it. Install it (Debian and Ubuntu: ' +
      'maven), or set KAFKA_BROKERS and SCHEMA_REGISTRY_URL to running ones, or start with --stack docker.',
  );
}

function isOnPath(program: string, env: NodeJS.ProcessEnv): boolean {
  return (env['PATH'] ?? '').split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false; // not in this directory
    }
  });
}
