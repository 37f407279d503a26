import type { Database } from '@full-sync/database';
import type { Attio, KnownAttribute } from './attio.ts';
import { attributes } from './domain/attributes.ts';
import { rewriteEverybody } from './people.ts';

export interface AttributeReport {
  /** Slugs that can be written. */
  readonly usable: ReadonlySet<string>;
  /** What is wrong with the others, slug by slug. */
  readonly problems: ReadonlyMap<string, string>;
}

/** Compares the attributes of a workspace with those that this service writes. */
export function compareAttributes(known: readonly KnownAttribute[]): AttributeReport {
  const bySlug = new Map(known.map((attribute) => [attribute.slug, attribute]));
  const usable = new Set<string>();
  const problems = new Map<string, string>();
  for (const { slug, type } of attributes) {
    const problem = problemOf(bySlug.get(slug), type);
    if (problem === null) usable.add(slug);
    else problems.set(slug, problem);
  }
  return { usable, problems };
}

function problemOf(known: KnownAttribute | undefined, type: string): string | null {
  if (known === undefined) return 'missing';
  if (known.isArchived) return 'archived';
  if (known.type !== type) return `of type ${known.type} instead of ${type}`;
  return known.isMultiselect ? 'with several values instead of one' : null;
}

export type Preflight =
  | { readonly kind: 'ready'; readonly report: AttributeReport }
  | { readonly kind: 'halt'; readonly code: string; readonly detail: string }
  | { readonly kind: 'unknown'; readonly detail: string };

/**
 * Looks which attributes can be written. Missing ones are left out of writes and not waited for, for somebody may not
 * want them; without any there is nothing to write. When one is there that was not at the last look, all people are
 * written once more.
 */
export async function preflight(
  db: Database,
  workspace: { readonly targetId: number; readonly attio: Attio },
): Promise<Preflight> {
  const listing = await workspace.attio.listAttributes();
  if (listing.kind !== 'listed') return listing;
  const report = compareAttributes(listing.attributes);
  if (report.usable.size === 0) {
    return {
      kind: 'halt',
      code: 'ATTIO_ATTRIBUTES_MISSING',
      detail: 'people have none of the outreach attributes; make them with: npm run cli -- attio setup',
    };
  }
  await noteAttributes(db, workspace.targetId, report.usable);
  return { kind: 'ready', report };
}

async function noteAttributes(db: Database, targetId: number, usable: ReadonlySet<string>): Promise<void> {
  await db.transaction(async (client) => {
    const { rows } = await client.query<{ attributes: readonly string[] }>(
      'select attributes from attio_workspaces where target_id = $1 for update',
      [targetId],
    );
    const before = new Set(rows[0]?.attributes);
    if (usable.size === before.size && [...usable].every((slug) => before.has(slug))) return;
    await client.query('update attio_workspaces set attributes = $2 where target_id = $1', [targetId, [...usable]]);
    if (before.size > 0 && [...usable].some((slug) => !before.has(slug))) await rewriteEverybody(client, targetId);
  });
}
