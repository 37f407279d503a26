import { hash } from 'node:crypto';
import type { Delivery } from '@full-sync/destinations';
import { foldFacts } from './domain/profile-facts.ts';
import type { ProfileFact, ProfileUpdate } from './domain/profile-facts.ts';
import type { EngageAnswer } from './domain/read-answer.ts';
import type { Told } from './mixpanel.ts';

export interface Profiles {
  readonly send: (updates: readonly ProfileUpdate[]) => Promise<Told<EngageAnswer>>;
  readonly slowDown: (reason: string, told: Told<unknown>) => number | null;
  /** Facts that the project is known to have. */
  readonly told: FactMemory;
  /** Told how many updates were refused, and why. */
  readonly onRefused: (updates: number, detail: string) => void;
}

/** A request may hold 2,000 updates; a guide asks for fewer (Mixpanel fact sheet, section 11). */
const maxUpdates = 1_000;
const hopelessAfter = 8;

/**
 * Tells the project what is new in these facts. Null when it was told or refuses some of it, which holds no event back;
 * otherwise what is to be done about all of the batch. Comes before the events: whatever dies in between, it is told again.
 */
export async function tellProfiles(
  profiles: Profiles,
  facts: readonly ProfileFact[],
): Promise<Extract<Delivery, { readonly kind: 'retry' | 'halt' }> | null> {
  const fresh = facts.filter((fact) => !profiles.told.has(fact));
  const queue = [...chunks(foldFacts(fresh))];
  let refused = 0;
  let accepted = 0;
  let detail = '';
  for (let updates = queue.shift(); updates !== undefined; updates = queue.shift()) {
    const told = await profiles.send(updates);
    const { answer } = told;
    if (answer.kind === 'stored') {
      accepted += updates.length;
      continue;
    }
    if (answer.kind === 'halt') return answer;
    if (answer.kind === 'retry') {
      return { kind: 'retry', afterMs: profiles.slowDown(answer.reason, told), reason: answer.reason };
    }
    detail = answer.detail;
    if (updates.length > 1) {
      const middle = Math.ceil(updates.length / 2);
      queue.unshift(updates.slice(0, middle), updates.slice(middle));
      continue;
    }
    refused += 1;
    // The project refuses profiles as such: its events go all the same.
    if (refused >= hopelessAfter && accepted === 0) {
      refused += queue.reduce((sum, rest) => sum + rest.length, 0);
      break;
    }
  }
  if (refused > 0) profiles.onRefused(refused, detail);
  for (const fact of fresh) profiles.told.add(fact);
  return null;
}

function* chunks(updates: readonly ProfileUpdate[]): Generator<readonly ProfileUpdate[], void, undefined> {
  for (let start = 0; start < updates.length; start += maxUpdates) yield updates.slice(start, start + maxUpdates);
}

export interface FactMemory {
  readonly has: (fact: ProfileFact) => boolean;
  readonly add: (fact: ProfileFact) => void;
}

/**
 * Remembers the last `capacity` facts, so that the hundredth event of a person costs no request. Losing it costs requests
 * and nothing else.
 */
export function createFactMemory(capacity: number): FactMemory {
  const known = new Set<string>();
  const keyOf = ({ distinctId, operator, properties }: ProfileFact): string =>
    hash('sha1', JSON.stringify([distinctId, operator, properties]), 'base64url');
  return {
    has: (fact) => known.has(keyOf(fact)),
    add: (fact) => {
      known.add(keyOf(fact));
      if (known.size <= capacity) return;
      const [oldest] = known;
      if (oldest !== undefined) known.delete(oldest);
    },
  };
}
