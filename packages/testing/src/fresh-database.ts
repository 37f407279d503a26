import pg from 'pg';
import { randomSuffix } from './names.ts';
import { stackAddresses } from './stack-addresses.ts';

/** An empty database of one test's own; disposing of it ends its connections and drops it. */
export type FreshDatabase = AsyncDisposable & { readonly name: string; readonly url: string };

/**
 * Creates a database with a random name on the server of `adminUrl` (the run's own when absent), for `await using`. Its user needs the
 * right to create databases.
 */
export async function freshDatabase(adminUrl: string = stackAddresses().databaseUrl): Promise<FreshDatabase> {
  const name = `full_sync_test_${randomSuffix()}`;
  await runAsAdmin(adminUrl, `CREATE DATABASE ${name}`);
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  return { name, url: url.href, [Symbol.asyncDispose]: () => dropTestDatabase(adminUrl, name) };
}

/**
 * Drops the database `name` and whatever is connected to it. Refuses a name without `test` in it, and any that is not made of lower-case
 * letters, digits and underscores: one wrong variable must not cost anybody a database that matters.
 */
export async function dropTestDatabase(adminUrl: string, name: string): Promise<void> {
  if (!/^[a-z0-9_]+$/.test(name) || !name.includes('test')) {
    throw new Error(`refusing to drop the database "${name}": only databases with "test" in their name are dropped`);
  }
  await runAsAdmin(adminUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
}

async function runAsAdmin(adminUrl: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl, application_name: 'full-sync-testing' });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
