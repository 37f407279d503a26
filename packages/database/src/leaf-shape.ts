import { createHash } from 'node:crypto';
import type { Client } from './database.ts';
import { quoteName } from './quote-name.ts';

/** Something of the user's that a reset can neither copy nor put up with; the old content stays. */
export class ResetRefusedError extends Error {}

/** The tables of one namespace and platform in a reset. */
export interface LeafPair {
  readonly live: string;
  readonly shadow: string;
}

/** One thing that belongs to a table: what it is, where it is the same, and how it is made and unmade. */
interface Part {
  /** The same for both tables' parts that stand for each other. */
  readonly identity: string;
  readonly definition: string;
  readonly create: readonly string[];
  readonly drop: readonly string[];
  /** Made after and unmade before the others: foreign keys need unique indexes, comments need what they are about. */
  readonly rank: number;
}

interface Shape {
  readonly columns: readonly string[];
  readonly unsupported: readonly string[];
  readonly options: readonly string[];
  readonly comment: string | null;
  readonly replicaIdentity: string;
  readonly rowSecurity: boolean;
  readonly forcedRowSecurity: boolean;
  readonly owner: string;
  readonly indexes: readonly { name: string; unique: boolean; tail: string; comment: string | null }[];
  readonly constraints: readonly { name: string; type: string; definition: string }[];
  readonly triggers: readonly { name: string; definition: string; enabled: string; inherited: boolean }[];
  readonly policies: readonly { name: string; definition: string }[];
  readonly grants: readonly { grantee: string; privilege: string; column: string | null; grantable: boolean }[];
}

const placeholder = '{table}';

const shapeSql = `
with t as (
  select c.*, n.nspname, format('%I.%I', n.nspname, c.relname) as qualified
  from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = to_regclass($1))
select
  array(select format('%I %s%s%s %s %s', attname, format_type(atttypid, atttypmod), case when attnotnull then ' not null' end,
      ' ' || attgenerated::text || attidentity::text, attcollation, pg_get_expr(d.adbin, d.adrelid))
    from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped order by attname) as columns,
  array(
    select 'the rule ' || rulename from pg_rewrite where ev_class = t.oid
    union all select 'the publication ' || p.pubname from pg_publication_rel r join pg_publication p on p.oid = r.prpubid where r.prrelid = t.oid
    union all select 'the materialized view ' || v.relname from pg_rewrite r join pg_class v on v.oid = r.ev_class
      where v.relkind = 'm' and exists (select from pg_depend d where d.classid = 'pg_rewrite'::regclass and d.objid = r.oid and d.refobjid = t.oid)
    union all select 'the foreign key ' || conname from pg_constraint where contype = 'f' and confrelid = t.oid and conparentid = 0
    union all select 'a replica identity by index' where t.relreplident = 'i') as unsupported,
  coalesce(t.reloptions, '{}') as options,
  obj_description(t.oid, 'pg_class') as comment,
  t.relreplident as "replicaIdentity", t.relrowsecurity as "rowSecurity", t.relforcerowsecurity as "forcedRowSecurity",
  pg_get_userbyid(t.relowner) as owner,
  (select coalesce(jsonb_agg(jsonb_build_object('name', c.relname, 'unique', i.indisunique,
      'tail', substr(pg_get_indexdef(c.oid), length(format('CREATE %sINDEX %I ON %s ', case when i.indisunique then 'UNIQUE ' end, c.relname, t.qualified)) + 1),
      'comment', obj_description(c.oid, 'pg_class')) order by c.relname), '[]')
    from pg_index i join pg_class c on c.oid = i.indexrelid
    where i.indrelid = t.oid and i.indisvalid
      and not exists (select from pg_constraint k where k.conrelid = t.oid and k.conindid = c.oid and k.contype in ('p', 'u', 'x'))) as indexes,
  (select coalesce(jsonb_agg(jsonb_build_object('name', conname, 'type', contype, 'definition', pg_get_constraintdef(oid)) order by conname), '[]')
    from pg_constraint where conrelid = t.oid and contype in ('c', 'f', 'p', 'u', 'x')) as constraints,
  (select coalesce(jsonb_agg(jsonb_build_object('name', tgname, 'enabled', tgenabled, 'inherited', tgparentid <> 0,
      'definition', replace(pg_get_triggerdef(oid), ' ON ' || t.qualified || ' ', ' ON ${placeholder} ')) order by tgname), '[]')
    from pg_trigger where tgrelid = t.oid and not tgisinternal) as triggers,
  (select coalesce(jsonb_agg(jsonb_build_object('name', policyname, 'definition', format('as %s for %s to %s%s%s', permissive, cmd,
      (select string_agg(case role when 'public' then 'public' else quote_ident(role) end, ', ') from unnest(roles) role),
      ' using (' || qual || ')', ' with check (' || with_check || ')')) order by policyname), '[]')
    from pg_policies where schemaname = t.nspname and tablename = t.relname) as policies,
  (select coalesce(jsonb_agg(g), '[]') from (
    select case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end as grantee,
      a.privilege_type as privilege, l.column, a.is_grantable as grantable
    from (
      select null::text as column, coalesce(t.relacl, acldefault('r', t.relowner)) as acl
      union all select attname::text, attacl from pg_attribute where attrelid = t.oid and attacl is not null and not attisdropped) l,
      aclexplode(l.acl) a
    where a.grantee = 0 or exists (select from pg_roles r where r.oid = a.grantee)) g) as grants
from t`;

async function readShape(client: Client, table: string): Promise<Shape> {
  const { rows } = await client.query<Shape & Record<string, unknown>>(shapeSql, [quoteName(table)]);
  const shape = rows[0];
  if (shape === undefined) throw new Error(`the table ${table} is gone`);
  return shape;
}

/** Names of indexes are unique in their schema: until the old content goes, those of the new one have others. */
function shadowIndexName(shadow: string, name: string): string {
  return `${shadow}_${createHash('sha256').update(name).digest('hex').slice(0, 12)}`;
}

/** Parts by what they are on the live table, to be made on `shadow`; `own` = the names are the shadow's already. */
function partsOf(shape: Shape, shadow: string, own: boolean): readonly Part[] {
  const table = quoteName(shadow);
  const indexName = (name: string): string => (own ? name : shadowIndexName(shadow, name));
  const parts: Part[] = [];
  const options = shape.options.map(
    (option) => [option.slice(0, option.indexOf('=')), option.slice(option.indexOf('=') + 1)] as const,
  );
  for (const [name, value] of options) {
    const [create, drop] = [
      `alter table ${table} set (${name} = ${quoteText(value)})`,
      `alter table ${table} reset (${name})`,
    ];
    parts.push({ identity: `option ${name}`, definition: value, create: [create], drop: [drop], rank: 0 });
  }
  for (const { name, type, definition } of shape.constraints) {
    const known = 'pux'.includes(type) ? indexName(name) : name;
    const create = `alter table ${table} add constraint ${quoteName(known)} ${definition}`;
    const drop = `alter table ${table} drop constraint ${quoteName(known)}`;
    const rank = type === 'f' ? 3 : 1;
    parts.push({ identity: `constraint ${known}`, definition, create: [create], drop: [drop], rank });
  }
  for (const { name, unique, tail, comment } of shape.indexes) {
    const known = indexName(name);
    const create = [`create ${unique ? 'unique ' : ''}index ${quoteName(known)} on ${table} ${tail}`];
    if (comment !== null) create.push(`comment on index ${quoteName(known)} is ${quoteText(comment)}`);
    const definition = JSON.stringify([unique, tail, comment]);
    parts.push({ identity: `index ${known}`, definition, create, drop: [`drop index ${quoteName(known)}`], rank: 2 });
  }
  for (const { name, definition, enabled } of shape.triggers) {
    const create = [definition.replace(` ON ${placeholder} `, () => ` ON ${table} `)];
    const switched = { D: 'disable', R: 'enable replica', A: 'enable always' }[enabled];
    if (switched !== undefined) create.push(`alter table ${table} ${switched} trigger ${quoteName(name)}`);
    const drop = [`drop trigger ${quoteName(name)} on ${table}`];
    parts.push({ identity: `trigger ${name}`, definition: `${enabled} ${definition}`, create, drop, rank: 4 });
  }
  for (const { name, definition } of shape.policies) {
    const create = [`create policy ${quoteName(name)} on ${table} ${definition}`];
    const drop = [`drop policy ${quoteName(name)} on ${table}`];
    parts.push({ identity: `policy ${name}`, definition, create, drop, rank: 4 });
  }
  for (const { grantee, privilege, column, grantable } of shape.grants) {
    const what = `${privilege}${column === null ? '' : ` (${quoteName(column)})`} on ${table}`;
    const create = [`grant ${what} to ${grantee}${grantable ? ' with grant option' : ''}`];
    const identity = `grant ${privilege} ${column ?? ''} ${grantee}`;
    parts.push({ identity, definition: String(grantable), create, drop: [`revoke ${what} from ${grantee}`], rank: 5 });
  }
  return parts;
}

/**
 * The statements that bring the shadow to the live table's shape: its indexes, constraints, triggers, policies, settings,
 * grants and comments; empty when nothing differs.
 *
 * @throws ResetRefusedError for what cannot be copied.
 */
export async function shapeDifferences(client: Client, { live, shadow }: LeafPair): Promise<readonly string[]> {
  const [wanted, present] = [await readShape(client, live), await readShape(client, shadow)];
  const [hindrance] = wanted.unsupported;
  if (hindrance !== undefined)
    throw new ResetRefusedError(
      `${hindrance} depends on the table ${live}, which a reset replaces: make it depend on event_source, or drop it`,
    );
  if (wanted.owner !== present.owner)
    throw new ResetRefusedError(`the table ${live} belongs to ${wanted.owner}, not to ${present.owner}`);
  if (JSON.stringify(wanted.columns) !== JSON.stringify(present.columns))
    throw new ResetRefusedError(`the columns of ${live} were changed while the reset ran`);
  const table = quoteName(shadow);
  const wantedParts = new Map(partsOf(wanted, shadow, false).map((part) => [part.identity, part]));
  const presentParts = new Map(partsOf(present, shadow, true).map((part) => [part.identity, part]));
  const gone = [...presentParts.values()].filter(
    (part) => wantedParts.get(part.identity)?.definition !== part.definition,
  );
  const missing = [...wantedParts.values()].filter(
    (part) => presentParts.get(part.identity)?.definition !== part.definition,
  );
  const statements = [
    ...gone.toSorted((a, b) => b.rank - a.rank).flatMap((part) => part.drop),
    ...missing.toSorted((a, b) => a.rank - b.rank).flatMap((part) => part.create),
  ];
  if (wanted.comment !== present.comment)
    statements.push(`comment on table ${table} is ${wanted.comment === null ? 'null' : quoteText(wanted.comment)}`);
  if (wanted.replicaIdentity !== present.replicaIdentity)
    statements.push(
      `alter table ${table} replica identity ${{ f: 'full', n: 'nothing' }[wanted.replicaIdentity] ?? 'default'}`,
    );
  if (wanted.rowSecurity !== present.rowSecurity)
    statements.push(`alter table ${table} ${wanted.rowSecurity ? 'enable' : 'disable'} row level security`);
  if (wanted.forcedRowSecurity !== present.forcedRowSecurity)
    statements.push(`alter table ${table} ${wanted.forcedRowSecurity ? 'force' : 'no force'} row level security`);
  return statements;
}

/** What has to be done around the exchange of two tables of the same shape, so that every name means the new content. */
export interface Exchange {
  /** Views that read the live table by its name: locked before it, as their readers do. */
  readonly views: readonly string[];
  readonly statements: readonly string[];
}

/** The statements that put the shadow in the live table's place within `branch`; the live table is dropped. */
export async function planExchange(
  client: Client,
  { live, shadow, branch, platform }: LeafPair & { readonly branch: string; readonly platform: string },
): Promise<Exchange> {
  const { indexes, constraints, triggers } = await readShape(client, live);
  const views = await client.query<{ name: string; definition: string; options: string[] }>(
    `select v.oid::regclass::text as name, pg_get_viewdef(v.oid) as definition, coalesce(v.reloptions, '{}') as options
     from pg_class v where v.relkind = 'v' and exists (
       select from pg_rewrite r join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
       where r.ev_class = v.oid and d.refclassid = 'pg_class'::regclass and d.refobjid = to_regclass($1))
     order by 1`,
    [quoteName(live)],
  );
  const [table, old] = [quoteName(live), quoteName(`${shadow}_old`)];
  return {
    views: views.rows.map((view) => view.name),
    statements: [
      `alter table ${table} rename to ${old}`,
      `alter table ${quoteName(shadow)} rename to ${table}`,
      ...views.rows.map(({ name, definition, options }) => {
        const kept = options.map((option) => option.replace(/=(.*)$/s, (_, value: string) => ` = ${quoteText(value)}`));
        return `create or replace view ${name}${kept.length === 0 ? '' : ` with (${kept.join(', ')})`} as ${definition.replace(/;\s*$/, '')}`;
      }),
      `drop table ${old}`,
      ...indexes.map(
        ({ name }) => `alter index ${quoteName(shadowIndexName(shadow, name))} rename to ${quoteName(name)}`,
      ),
      ...constraints
        .filter(({ type }) => 'pux'.includes(type))
        .map(
          ({ name }) =>
            `alter table ${table} rename constraint ${quoteName(shadowIndexName(shadow, name))} to ${quoteName(name)}`,
        ),
      // Those of the tables above come back with the attachment.
      ...triggers.filter(({ inherited }) => inherited).map(({ name }) => `drop trigger ${quoteName(name)} on ${table}`),
      `alter table ${quoteName(branch)} attach partition ${table} for values in (${quoteText(platform)})`,
    ],
  };
}

function quoteText(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return text.includes('\\') ? ` E${quoted.replaceAll('\\', '\\\\')}` : quoted;
}
