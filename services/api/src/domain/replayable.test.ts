import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refuseReplay } from './replayable.ts';
import type { ReplayCandidate } from './replayable.ts';

const open: ReplayCandidate = {
  id: 7,
  status: 'open',
  stage: 'keyer',
  namespace: 'default',
  platform: 'smartlead',
  truncated: false,
  replayJobId: null,
  supersededBy: null,
  streamKnown: true,
  leafExists: true,
};

test('what is missing of a letter cannot be forced, what was done already can', () => {
  const table: readonly (readonly [Partial<ReplayCandidate>, string | undefined, string | undefined])[] = [
    [{}, undefined, undefined],
    [{ truncated: true }, 'LETTER_TRUNCATED', 'LETTER_TRUNCATED'],
    [{ namespace: null }, 'LETTER_UNREADABLE', 'LETTER_UNREADABLE'],
    [{ platform: null }, 'LETTER_UNREADABLE', 'LETTER_UNREADABLE'],
    [{ stage: 'api' }, 'LETTER_UNREADABLE', 'LETTER_UNREADABLE'],
    [{ leafExists: false }, 'NAMESPACE_UNKNOWN', 'NAMESPACE_UNKNOWN'],
    [{ streamKnown: false }, undefined, undefined],
    [{ stage: 'extractor', streamKnown: false }, 'WALK_UNKNOWN', 'WALK_UNKNOWN'],
    [{ status: 'replaying', replayJobId: 'job_1' }, 'LETTER_REPLAYING', 'LETTER_REPLAYING'],
    [{ status: 'replayed', replayJobId: 'job_1' }, 'LETTER_REPLAYED', undefined],
    [{ status: 'superseded', supersededBy: 9 }, 'LETTER_SUPERSEDED', undefined],
  ];
  for (const [over, plain, forced] of table) {
    const letter = { ...open, ...over };
    assert.equal(refuseReplay(letter, false)?.code, plain, JSON.stringify(over));
    assert.equal(refuseReplay(letter, true)?.code, forced, JSON.stringify(over));
  }
  assert.match(refuseReplay({ ...open, status: 'superseded', supersededBy: 9 }, false)?.message ?? '', /letter 9/);
});
