import type { Clock } from '@full-sync/runtime';
import { ofActivities, ofPeople } from './attio.ts';
import type { Attio, AttributeOwner, Creation, NewAttribute } from './attio.ts';
import { activityAttributes } from './domain/activity.ts';
import { attributes } from './domain/attributes.ts';
import { compareAttributes } from './preflight.ts';
import type { AttributeReport } from './preflight.ts';

/** The attributes of people, or of activities, as they are in the end. */
export interface SetUpPart {
  readonly of: 'people' | 'activities';
  readonly wanted: readonly NewAttribute[];
  /** Slugs that were made now. */
  readonly created: readonly string[];
  readonly report: AttributeReport;
}

/** What setting a workspace up came to. */
export type SetUp =
  | { readonly kind: 'done'; readonly workspaceId: string; readonly parts: readonly SetUpPart[] }
  /** The key opens nothing, or not what is needed. */
  | { readonly kind: 'refused'; readonly detail: string }
  /** Attio does not answer. */
  | { readonly kind: 'unreachable'; readonly detail: string };

type Failure = Exclude<SetUp, { readonly kind: 'done' }>;

interface Options {
  readonly clock: Clock;
  /** False: it is only looked at. */
  readonly create: boolean;
  /** The activities that events are written as, too. */
  readonly activities: boolean;
}

const tries = 5;

/**
 * Makes the attributes that a workspace lacks, and compares what is there then. May be repeated: what is there stays as
 * it is.
 */
export async function setUpWorkspace(attio: Attio, options: Options): Promise<SetUp> {
  const identity = await attio.identify();
  if (identity.kind === 'refused') return identity;
  if (identity.kind === 'unknown') return { kind: 'unreachable', detail: identity.detail };
  if (identity.missingScopes.length > 0) {
    return { kind: 'refused', detail: `the key lacks ${identity.missingScopes.join(', ')}` };
  }
  const { workspaceId } = identity;
  const people = await setUpAttributes(attio, { of: 'people', owner: ofPeople, wanted: attributes }, options);
  if ('kind' in people) return people;
  if (!options.activities) return { kind: 'done', workspaceId, parts: [people] };
  if (options.create) {
    const failure = await withRetries(() => attio.createActivityKind(), 'activities', options.clock);
    if (failure !== null) return failure;
  }
  const wanted = { of: 'activities', owner: ofActivities, wanted: activityAttributes } as const;
  const activities = await setUpAttributes(attio, wanted, options);
  return 'kind' in activities ? activities : { kind: 'done', workspaceId, parts: [people, activities] };
}

async function setUpAttributes(
  attio: Attio,
  what: { readonly of: SetUpPart['of']; readonly owner: AttributeOwner; readonly wanted: readonly NewAttribute[] },
  { clock, create }: Options,
): Promise<SetUpPart | Failure> {
  const { of, owner, wanted } = what;
  const look = async (): Promise<AttributeReport | Failure> => {
    const listing = await attio.listAttributes(owner);
    if (listing.kind === 'listed') return compareAttributes(listing.attributes, wanted);
    return { kind: listing.kind === 'unknown' ? 'unreachable' : 'refused', detail: `${of}: ${listing.detail}` };
  };
  const before = await look();
  if ('kind' in before) return before;
  const created: string[] = [];
  for (const attribute of create ? wanted : []) {
    if (before.problems.get(attribute.slug) !== 'missing') continue;
    const failure = await withRetries(() => attio.createAttribute(owner, attribute), attribute.slug, clock);
    if (failure !== null) return failure;
    created.push(attribute.slug);
  }
  const report = created.length === 0 ? before : await look();
  return 'kind' in report ? report : { of, wanted, created, report };
}

/** Null once it is there. */
async function withRetries(make: () => Promise<Creation>, what: string, clock: Clock): Promise<Failure | null> {
  let detail = '';
  for (let attempt = 1; attempt <= tries; attempt++) {
    const creation = await make();
    if (creation.kind === 'created' || creation.kind === 'exists') return null;
    detail = `${what}: ${creation.detail}`;
    if (creation.kind === 'refused') return { kind: 'refused', detail };
    await clock.sleep(creation.afterMs * attempt);
  }
  return { kind: 'unreachable', detail };
}
