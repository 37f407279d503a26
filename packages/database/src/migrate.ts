import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { EnvironmentError } from '@full-sync/runtime';
import type { Client, Database } from './database.ts';
import { labelled } from './unreachable.ts';

const directory = new URL('../sql/', import.meta.url);
/** One number for all processes that migrate: they wait for each other. */
const lockId = 7_355_608;

interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
  readonly sha256: string;
}

/**
 * Brings the schema to this release: each `sql/NNNN_name.sql` not yet applied, in order, each in a transaction of its
 * own. Several processes may call it at once. Returns the names of those applied now.
 *
 * @throws EnvironmentError when an applied file was changed since, or the database is newer than this release.
 */
export async function migrate(db: Database): Promise<string[]> {
  const migrations = await readMigrations();
  try {
    return await applyLocked(db, migrations);
  } catch (error) {
    throw labelled(error);
  }
}

async function applyLocked(db: Database, migrations: readonly Migration[]): Promise<string[]> {
  const client = await db.pool.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [lockId]);
    try {
      return await applyMissing(client, db.schema, migrations);
    } finally {
      await client.query('select pg_advisory_unlock($1)', [lockId]);
    }
  } finally {
    client.release();
  }
}

async function applyMissing(client: Client, schema: string, migrations: readonly Migration[]): Promise<string[]> {
  if (schema !== 'public') await client.query(`create schema if not exists "${schema}"`);
  await client.query(
    `create table if not exists schema_migrations (
       version integer primary key, name text not null, sha256 text not null, applied_at timestamptz not null default now())`,
  );
  const { rows } = await client.query<{ version: number; name: string; sha256: string }>(
    'select version, name, sha256 from schema_migrations order by version',
  );
  for (const row of rows) checkApplied(row, migrations);
  const applied: string[] = [];
  for (const migration of migrations.slice(rows.length)) {
    await client.query('begin');
    try {
      await client.query(migration.sql);
      await client.query('insert into schema_migrations (version, name, sha256) values ($1, $2, $3)', [
        migration.version,
        migration.name,
        migration.sha256,
      ]);
      await client.query('commit');
    } catch (error) {
      await client.query('rollback');
      throw new EnvironmentError(`Migration ${migration.name} failed.`, {
        hint: 'Nothing of it was applied. See the cause; the role in DATABASE_URL must be able to create tables.',
        cause: error,
      });
    }
    applied.push(migration.name);
  }
  return applied;
}

function checkApplied(row: { version: number; name: string; sha256: string }, migrations: readonly Migration[]): void {
  const known = migrations.find((migration) => migration.version === row.version);
  if (known === undefined) {
    throw new EnvironmentError(`The database has migration ${row.name}, which this release does not know.`, {
      hint: 'Run the release that applied it, or a newer one: migrations only go forward.',
    });
  }
  if (known.sha256 !== row.sha256) {
    throw new EnvironmentError(`The file of migration ${row.name} was changed after it was applied.`, {
      hint: 'Restore the file; a change to the schema is a new migration.',
    });
  }
}

async function readMigrations(): Promise<Migration[]> {
  const files = (await readdir(directory)).filter((file) => /^\d{4}_[a-z0-9_]+\.sql$/.test(file)).toSorted();
  return await Promise.all(
    files.map(async (file) => {
      const sql = await readFile(new URL(file, directory), 'utf8');
      return {
        version: Number(file.slice(0, 4)),
        name: file.slice(0, -4),
        sql,
        sha256: createHash('sha256').update(sql).digest('hex'),
      };
    }),
  );
}
