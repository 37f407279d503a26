import type { Clock } from '@full-sync/runtime';
import type { Attio } from './attio.ts';
import { attributes } from './domain/attributes.ts';
import { compareAttributes } from './preflight.ts';
import type { AttributeReport } from './preflight.ts';

/** What setting a workspace up came to. */
export type SetUp =
  | {
      readonly kind: 'done';
      readonly workspaceId: string;
      /** Slugs that were made now. */
      readonly created: readonly string[];
      readonly report: AttributeReport;
    }
  /** The key opens nothing, or not what is needed. */
  | { readonly kind: 'refused'; readonly detail: string }
  /** Attio does not answer. */
  | { readonly kind: 'unreachable'; readonly detail: string };

const tries = 5;

/**
 * Makes the attributes that a workspace lacks, unless it is only to be looked at, and compares what is there then. May
 * be repeated: what is there stays as it is.
 */
export async function setUpWorkspace(
  attio: Attio,
  { clock, create }: { readonly clock: Clock; readonly create: boolean },
): Promise<SetUp> {
  const identity = await attio.identify();
  if (identity.kind === 'refused') return identity;
  if (identity.kind === 'unknown') return { kind: 'unreachable', detail: identity.detail };
  if (identity.missingScopes.length > 0) {
    return { kind: 'refused', detail: `the key lacks ${identity.missingScopes.join(', ')}` };
  }
  const { workspaceId } = identity;
  const before = await look(attio);
  if ('kind' in before) return before;
  const created: string[] = [];
  for (const attribute of create ? attributes : []) {
    if (before.problems.get(attribute.slug) !== 'missing') continue;
    const end = await createWithRetries(attio, attribute, clock);
    if (end !== null) return end;
    created.push(attribute.slug);
  }
  const after = created.length === 0 ? before : await look(attio);
  return 'kind' in after ? after : { kind: 'done', workspaceId, created, report: after };
}

async function look(attio: Attio): Promise<AttributeReport | Exclude<SetUp, { readonly kind: 'done' }>> {
  const listing = await attio.listAttributes();
  if (listing.kind === 'listed') return compareAttributes(listing.attributes);
  return { kind: listing.kind === 'halt' ? 'refused' : 'unreachable', detail: listing.detail };
}

/** Null once it is there. */
async function createWithRetries(
  attio: Attio,
  attribute: (typeof attributes)[number],
  clock: Clock,
): Promise<Exclude<SetUp, { readonly kind: 'done' }> | null> {
  let detail = '';
  for (let attempt = 1; attempt <= tries; attempt++) {
    const creation = await attio.createAttribute(attribute);
    if (creation.kind === 'created' || creation.kind === 'exists') return null;
    detail = `${attribute.slug}: ${creation.detail}`;
    if (creation.kind === 'refused') return { kind: 'refused', detail };
    await clock.sleep(creation.afterMs * attempt);
  }
  return { kind: 'unreachable', detail };
}
