/** What decides whether a letter can be replayed. */
export interface ReplayCandidate {
  readonly id: number;
  readonly status: string;
  readonly stage: string;
  readonly namespace: string | null;
  readonly platform: string | null;
  readonly truncated: boolean;
  readonly replayJobId: string | null;
  readonly supersededBy: number | null;
  readonly streamKnown: boolean;
  readonly leafExists: boolean;
}

/** Why a letter is not replayed. */
export interface Refusal {
  readonly id: number;
  readonly code:
    | 'LETTER_UNKNOWN'
    | 'LETTER_TRUNCATED'
    | 'LETTER_UNREADABLE'
    | 'LETTER_REPLAYING'
    | 'LETTER_REPLAYED'
    | 'LETTER_SUPERSEDED'
    | 'WALK_UNKNOWN'
    | 'NAMESPACE_UNKNOWN';
  readonly message: string;
}

/**
 * Why a letter is not replayed, or null: what is missing of it cannot be forced, what was done already can. One that is
 * being replayed is not replayed a second time meanwhile.
 */
export function refuseReplay(letter: ReplayCandidate, force: boolean): Refusal | null {
  const { id, status, stage } = letter;
  const refuse = (code: Refusal['code'], message: string): Refusal => ({ id, code, message });
  if (letter.truncated) return refuse('LETTER_TRUNCATED', 'only the beginning of its record was kept');
  if (letter.namespace === null || letter.platform === null || stage === 'api')
    return refuse('LETTER_UNREADABLE', 'its record is none that this system has written');
  if (!letter.leafExists)
    return refuse(
      'NAMESPACE_UNKNOWN',
      `namespace ${letter.namespace} does not exist (any more) for ${letter.platform}`,
    );
  if (stage === 'extractor' && !letter.streamKnown)
    return refuse('WALK_UNKNOWN', 'the walk that read it, and with it the campaign, is not known any more');
  if (status === 'replaying') return refuse('LETTER_REPLAYING', `job ${letter.replayJobId ?? ''} is replaying it`);
  if (force) return null;
  if (status === 'replayed')
    return refuse('LETTER_REPLAYED', `job ${letter.replayJobId ?? ''} has replayed it; "force": true does it again`);
  if (status === 'superseded')
    return refuse('LETTER_SUPERSEDED', `its replay came back as letter ${letter.supersededBy ?? ''}: replay that one`);
  return null;
}

/** A letter that does not exist. */
export function unknownLetter(id: number): Refusal {
  return { id, code: 'LETTER_UNKNOWN', message: 'there is no such letter' };
}
