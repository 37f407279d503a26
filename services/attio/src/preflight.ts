import type { Database } from '@full-sync/database';
import { releaseActivities } from './activities.ts';
import { ofActivities, ofPeople } from './attio.ts';
import type { Attio, KnownAttribute } from './attio.ts';
import { activityAttributes } from './domain/activity.ts';
import { attributes } from './domain/attributes.ts';
import { rewriteEverybody } from './people.ts';

export interface AttributeReport {
  /** Slugs that can be written. */
  readonly usable: ReadonlySet<string>;
  /** What is wrong with the others, slug by slug. */
  readonly problems: ReadonlyMap<string, string>;
}

interface Wanted {
  readonly slug: string;
  readonly type: string;
  readonly isUnique?: boolean;
}

/** Compares the attributes of a workspace with those that are wanted. */
export function compareAttributes(known: readonly KnownAttribute[], wanted: readonly Wanted[]): AttributeReport {
  const bySlug = new Map(known.map((attribute) => [attribute.slug, attribute]));
  const usable = new Set<string>();
  const problems = new Map<string, string>();
  for (const one of wanted) {
    const problem = problemOf(bySlug.get(one.slug), one);
    if (problem === null) usable.add(one.slug);
    else problems.set(one.slug, problem);
  }
  return { usable, problems };
}

function problemOf(known: KnownAttribute | undefined, { type, isUnique = false }: Wanted): string | null {
  if (known === undefined) return 'missing';
  if (known.isArchived) return 'archived';
  if (known.type !== type) return `of type ${known.type} instead of ${type}`;
  if (isUnique && !known.isUnique) return 'not unique';
  return known.isMultiselect ? 'with several values instead of one' : null;
}

export type Preflight =
  | {
      readonly kind: 'ready';
      readonly report: AttributeReport;
      /** Whether events can be written one by one; null where nobody asks. */
      readonly activities: ActivityState | null;
    }
  | { readonly kind: 'halt'; readonly code: string; readonly detail: string }
  /** `afterMs`: how long Attio asks to wait, null when it does not say. */
  | { readonly kind: 'unknown'; readonly detail: string; readonly afterMs: number | null };

export type ActivityState =
  | { readonly usable: true }
  /** `absent`: the workspace has none, and those that wait are not waited for. */
  | { readonly usable: false; readonly absent: boolean; readonly detail: string };

/**
 * Looks which attributes can be written. Missing ones are left out of writes and not waited for, for somebody may not
 * want them; without any there is nothing to write. When one is there that was not at the last look, all people are
 * written once more.
 */
export async function preflight(
  db: Database,
  workspace: { readonly targetId: number; readonly attio: Attio },
  asked: { readonly activities: boolean },
): Promise<Preflight> {
  const listing = await workspace.attio.listAttributes(ofPeople);
  if (listing.kind === 'absent') return { kind: 'halt', code: 'ATTIO_NOT_FOUND', detail: listing.detail };
  if (listing.kind !== 'listed') return listing;
  const report = compareAttributes(listing.attributes, attributes);
  if (report.usable.size === 0) {
    return {
      kind: 'halt',
      code: 'ATTIO_ATTRIBUTES_MISSING',
      detail: 'people have none of the outreach attributes; make them with: npm run cli -- attio setup',
    };
  }
  const activities = asked.activities ? await lookAtActivities(workspace.attio) : null;
  if (activities !== null && 'kind' in activities) return activities;
  const known = activities === null ? false : activities.usable || (activities.absent ? false : 'as before');
  await noteAttributes(db, workspace.targetId, report.usable, known);
  return { kind: 'ready', report, activities };
}

async function lookAtActivities(attio: Attio): Promise<ActivityState | Exclude<Preflight, { readonly kind: 'ready' }>> {
  const listing = await attio.listAttributes(ofActivities);
  const advice = 'make them with: npm run cli -- attio setup --activities';
  if (listing.kind === 'absent') {
    return { usable: false, absent: true, detail: `the workspace has no such activities; ${advice}` };
  }
  if (listing.kind === 'halt') return { usable: false, absent: false, detail: listing.detail };
  if (listing.kind === 'unknown') return listing;
  const { problems } = compareAttributes(listing.attributes, activityAttributes);
  if (problems.size === 0) return { usable: true };
  return {
    usable: false,
    absent: false,
    detail: `${[...problems].map(([slug, problem]) => `${slug} is ${problem}`).join(', ')}; ${advice}`,
  };
}

/** What the last look saw that saw something, by whatever process; null when there was none. */
export async function recallWorkspace(
  db: Database,
  targetId: number,
): Promise<{ readonly activities: boolean } | null> {
  const { rows } = await db.pool.query<{ activities: boolean }>(
    `select activities from attio_workspaces where target_id = $1 and attributes <> '{}'`,
    [targetId],
  );
  return rows[0] ?? null;
}

async function noteAttributes(
  db: Database,
  targetId: number,
  usable: ReadonlySet<string>,
  activities: boolean | 'as before',
): Promise<void> {
  await db.transaction(async (client) => {
    const { rows } = await client.query<{ attributes: readonly string[]; activities: boolean }>(
      'select attributes, activities from attio_workspaces where target_id = $1 for update',
      [targetId],
    );
    const before = new Set(rows[0]?.attributes);
    const isSame = usable.size === before.size && [...usable].every((slug) => before.has(slug));
    const had = rows[0]?.activities ?? false;
    const has = activities === 'as before' ? had : activities;
    // At every look: somebody may have entered some while another look was under way.
    if (!has) await releaseActivities(client, targetId);
    if (isSame && had === has) return;
    await client.query('update attio_workspaces set attributes = $2, activities = $3 where target_id = $1', [
      targetId,
      [...usable],
      has,
    ]);
    if (before.size > 0 && [...usable].some((slug) => !before.has(slug))) await rewriteEverybody(client, targetId);
  });
}
