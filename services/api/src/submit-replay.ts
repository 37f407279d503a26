import { randomBytes } from 'node:crypto';
import { insertReplay, listUnreplayable, lockCandidates } from '@full-sync/database';
import type { Client, LetterFilter, ReplayCandidate, ReplaySelection } from '@full-sync/database';
import type { ApiContext } from './context.ts';
import { toJobId } from './domain/job-id.ts';
import { refuseReplay, unknownLetter } from './domain/replayable.ts';
import type { Refusal } from './domain/replayable.ts';

export interface SubmittedReplay {
  /** Null when no letter is to be replayed. */
  readonly jobId: string | null;
  readonly replaying: number;
  readonly refused: readonly Refusal[];
  /** True when the filter fits further letters than one job takes. */
  readonly more: boolean;
}

/** The most letters that one job replays, and that an answer names as refused of a filter. */
const maxLetters = 10_000;
const maxNamed = 100;

/**
 * Stores a job that publishes the letters again, in one transaction: afterwards it runs, whatever becomes of this process.
 * A letter that cannot be replayed, or was already, is refused with its reason; the others are replayed all the same.
 * `also` is written with the job, or not at all.
 */
export async function submitReplay(
  { db, clock }: Pick<ApiContext, 'db' | 'clock'>,
  selection: ReplaySelection,
  force: boolean,
  also: (client: Client, submitted: SubmittedReplay) => Promise<void>,
): Promise<SubmittedReplay> {
  return await db.transaction(async (client) => {
    const submitted = await storeReplay(client, { selection, force, nowMs: clock.now() });
    await also(client, submitted);
    return submitted;
  });
}

async function storeReplay(
  client: Client,
  wanted: { readonly selection: ReplaySelection; readonly force: boolean; readonly nowMs: number },
): Promise<SubmittedReplay> {
  const { selection, force } = wanted;
  const { candidates, more } = await lockCandidates(client, selection, { limit: maxLetters, force });
  const accepted: ReplayCandidate[] = [];
  const refused: Refusal[] = unknownAmong(selection, candidates);
  for (const candidate of candidates) {
    const refusal = refuseReplay(candidate, force);
    if (refusal === null) accepted.push(candidate);
    else refused.push(refusal);
  }
  if (selection.kind === 'filter') {
    const others = await listUnreplayable(client, selection.filter, maxNamed);
    refused.push(...others.flatMap((candidate) => refuseReplay(candidate, force) ?? []));
  }
  refused.sort((a, b) => a.id - b.id);
  if (accepted.length === 0) return { jobId: null, replaying: 0, refused, more };
  const jobId = toJobId(wanted.nowMs, randomBytes(10));
  await insertReplay(client, {
    jobId,
    config: {
      syncMode: 'replay',
      platforms: distinct(accepted.map(({ platform }) => platform ?? '')),
      namespaces: distinct(accepted.map(({ namespace }) => namespace ?? '')),
      letters: accepted.length,
      ...(selection.kind === 'filter' ? { filter: withoutUndefined(selection.filter) } : {}),
    },
    ids: accepted.map(({ id }) => id),
  });
  return { jobId, replaying: accepted.length, refused, more };
}

function unknownAmong(selection: ReplaySelection, found: readonly ReplayCandidate[]): Refusal[] {
  if (selection.kind === 'filter') return [];
  const known = new Set(found.map(({ id }) => id));
  return [...new Set(selection.ids)].filter((id) => !known.has(id)).map(unknownLetter);
}

function distinct(values: readonly string[]): readonly string[] {
  return [...new Set(values)].toSorted((a, b) => (a < b ? -1 : 1));
}

function withoutUndefined(filter: LetterFilter): object {
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
}
