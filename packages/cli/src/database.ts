import { connectDatabase, migrate } from '@full-sync/database';
import type { Database } from '@full-sync/database';
import { databaseConfig, loadConfig } from '@full-sync/runtime';
import Type from 'typebox';

/** Brings the schema of the database in `DATABASE_URL` to this release; the names of the migrations applied now. */
export async function migrateDatabase(): Promise<readonly string[]> {
  const config = loadConfig(Type.Object(databaseConfig));
  await using db = await connectDatabase({ config, applicationName: 'full-sync-cli', poolMax: 2 });
  return await migrate(db);
}

/**
 * Runs `work` on the database in `DATABASE_URL`, after bringing its schema to this release: a command that works on the
 * tables may come before the first start of the api.
 */
export async function withDatabase<T>(work: (db: Database) => Promise<T>): Promise<T> {
  const config = loadConfig(Type.Object(databaseConfig));
  await using db = await connectDatabase({ config, applicationName: 'full-sync-cli', poolMax: 2 });
  await migrate(db);
  return await work(db);
}
