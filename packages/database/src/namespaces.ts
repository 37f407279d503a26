import type { Client } from './database.ts';

export interface EnsuredNamespace {
  readonly namespaceId: number;
  /** True when the namespace was not known before. */
  readonly created: boolean;
}

/**
 * Makes the namespace's row, its partition of `event_source` and a leaf for each platform, where they are missing, and
 * keeps the namespace from being deleted until the transaction, in which this must be called, ends. `namespace` must
 * match `[a-z0-9_-]{1,63}`, platforms `[a-z]+`. A deleted namespace is new again.
 *
 * A leaf is created with a validated CHECK and then attached, so that the parent is neither scanned nor locked against
 * readers and writers. Concurrent calls for one namespace wait for each other.
 */
export async function ensureNamespace(
  client: Client,
  wanted: { readonly namespace: string; readonly platforms: readonly string[] },
): Promise<EnsuredNamespace> {
  const { namespace } = wanted;
  // Inserted only where it is not there: every try would take a number, and the numbers name tables.
  const inserted = await client.query(
    `insert into namespaces (namespace) select $1 where not exists (select from namespaces where namespace = $1)
     on conflict do nothing`,
    [namespace],
  );
  const isNew = inserted.rowCount === 1;
  const found = await lockNamespace(client, namespace, 'key share');
  const known = await leafPlatforms(client, namespace);
  if (!isNew && !found.deleted && wanted.platforms.every((platform) => known.has(platform)))
    return { namespaceId: found.namespaceId, created: false };

  const { namespaceId, deleted } = await lockNamespace(client, namespace, 'no key update');
  const created = isNew || deleted;
  // Waiting behind a vacuum of the parent is nobody's fault: the transaction is run again.
  await client.query(`set local lock_timeout = '5s'`);
  const parent = `event_source_${namespaceId}`;
  if (deleted)
    await client.query('update namespaces set deleted_at = null, created_at = now() where namespace = $1', [namespace]);
  if (created) await createBranch(client, parent, namespace);
  const present = await leafPlatforms(client, namespace);
  for (const platform of wanted.platforms.filter((name) => !present.has(name)).toSorted()) {
    const leaf = `${parent}_${platform}`;
    await createLeaf(client, { leaf, parent, namespace, platform });
    await client.query('insert into leaf_states (namespace, platform, live_leaf) values ($1, $2, $3)', [
      namespace,
      platform,
      leaf,
    ]);
  }
  return { namespaceId, created };
}

/** `no key update` keeps other makers of leaves out, `key share` only who would delete the namespace. */
async function lockNamespace(
  client: Client,
  namespace: string,
  strength: 'key share' | 'no key update',
): Promise<{ readonly namespaceId: number; readonly deleted: boolean }> {
  const { rows } = await client.query<{ namespace_id: number; deleted: boolean }>(
    `select namespace_id, deleted_at is not null as deleted from namespaces where namespace = $1 for ${strength}`,
    [namespace],
  );
  const row = rows[0];
  if (row === undefined) throw new Error(`the namespace ${namespace} vanished while it was looked up`);
  return { namespaceId: row.namespace_id, deleted: row.deleted };
}

async function leafPlatforms(client: Client, namespace: string): Promise<ReadonlySet<string>> {
  const { rows } = await client.query<{ platform: string }>('select platform from leaf_states where namespace = $1', [
    namespace,
  ]);
  return new Set(rows.map((row) => row.platform));
}

async function createBranch(client: Client, branch: string, namespace: string): Promise<void> {
  const value = client.escapeLiteral(namespace);
  // It is empty, so attaching it checks nothing; a CHECK here would have to be repeated in every leaf.
  await client.query(
    `create table "${branch}" (like event_source including all) partition by list (platform);
     alter table event_source attach partition "${branch}" for values in (${value});`,
  );
  await client.query('select grant_to_reader($1)', [branch]);
}

async function createLeaf(
  client: Client,
  of: { readonly leaf: string; readonly parent: string; readonly namespace: string; readonly platform: string },
): Promise<void> {
  const { leaf, parent } = of;
  const namespace = client.escapeLiteral(of.namespace);
  const platform = client.escapeLiteral(of.platform);
  await client.query(
    `create table "${leaf}" (like "${parent}" including all,
       constraint "${leaf}_content" check (namespace = ${namespace} and platform = ${platform}),
       primary key (event_id));
     alter table "${parent}" attach partition "${leaf}" for values in (${platform});`,
  );
  await client.query('select grant_to_reader($1)', [leaf]);
}
