import { processingStage } from './progress.ts';
import { toSummary } from './summary.ts';
import type { Summary, Tally } from './summary.ts';

export interface JobError {
  readonly code: string;
  readonly message: string;
  readonly details: readonly string[];
}

export interface VerdictFacts {
  readonly ending: 'failed' | 'cancelled' | null;
  readonly error: unknown;
  readonly progress: unknown;
  readonly createdAtMs: number;
  readonly endedAtMs: number;
  readonly users: number;
  readonly tallies: readonly PlatformTally[];
  readonly failedStreams: readonly FailedStream[];
  readonly streamWarnings: readonly WarnedStream[];
  readonly resets: readonly ResetFacts[];
}

/** What a reset has found for a namespace and platform, beside what is there. */
interface ResetFacts {
  readonly namespace: string;
  readonly platform: string;
  readonly records: number;
  readonly hadRows: boolean;
  readonly hasRows: boolean;
  readonly rowsBefore: number;
  readonly rowsAfter: number;
}

export interface PlatformTally extends Tally {
  readonly platform: string;
  readonly recordsCommitted: number;
  readonly abandoned: number;
  readonly loaderLetters: number;
}

interface Stream {
  readonly namespace: string;
  readonly platform: string;
  readonly kind: string;
  readonly campaignId: string | null;
  readonly campaignName: string | null;
}

interface FailedStream extends Stream {
  readonly error: unknown;
}

interface WarnedStream extends Stream {
  readonly warning: string;
}

export interface Verdict {
  readonly status: 'completed' | 'failed' | 'cancelled';
  readonly summary: Summary;
  readonly progress: object;
  readonly error: JobError | null;
  readonly warnings: readonly string[];
  readonly movesCursors: boolean;
}

/**
 * Judges a job whose work has ended: completed only if every record is accounted for and every walk ended well. A loss
 * outweighs everything else; a walk that failed does not outweigh the user's wish to cancel.
 */
export function judgeJob(facts: VerdictFacts): Verdict {
  const summary = toSummary(facts.tallies, { users: facts.users, durationMs: facts.endedAtMs - facts.createdAtMs });
  const error = errorOf(facts, summary);
  const status = error === null ? (facts.ending ?? 'completed') : 'failed';
  const warned = facts.streamWarnings.map((stream) => `${nameOf(stream)}: ${stream.warning}`);
  return {
    status,
    summary,
    progress: finalProgress(facts.progress, summary, status === 'completed'),
    error,
    warnings: [
      ...new Set([
        ...warned,
        ...(status === 'cancelled' ? failuresOf(facts) : []),
        ...(status === 'completed' ? shrinkagesOf(facts) : droppedBy(facts, summary)),
      ]),
    ],
    // A walk speaks for itself, whatever became of the others; after a loss none does.
    movesCursors: knownError(facts.error) === null && facts.tallies.every((tally) => lossesOf(tally).length === 0),
  };
}

function failuresOf(facts: VerdictFacts): readonly string[] {
  return facts.failedStreams.map(describeStream);
}

function errorOf(facts: VerdictFacts, summary: Summary): JobError | null {
  const losses = facts.tallies.flatMap(lossesOf);
  const known = knownError(facts.error);
  if (known !== null) return { ...known, details: [...known.details, ...losses.map((loss) => loss.message)] };
  const [loss] = losses;
  if (loss !== undefined) return { ...loss, details: losses.slice(1).map((other) => other.message) };
  const failed = summary.errors - summary.rejected - summary.dead_lettered;
  if (facts.ending === 'cancelled') return null;
  if (failed > 0) {
    const names = failuresOf(facts);
    const kept =
      facts.resets.length > 0
        ? 'Nothing was replaced: the old content is kept.'
        : `${summary.events_created} new events of ${summary.records_accepted} records are kept.`;
    const more = failed > 1 ? ` (and ${failed - 1} more)` : '';
    return { code: 'STREAMS_FAILED', message: `${names[0] ?? 'A walk failed'}${more}. ${kept}`, details: names };
  }
  if (facts.ending === 'failed') return { code: 'JOB_FAILED', message: 'The job was ended as failed.', details: [] };
  return emptyReset(facts);
}

/** A source that suddenly has nothing is more likely broken than empty: it must not cost anybody their rows. */
function emptyReset({ resets }: VerdictFacts): JobError | null {
  const empty = resets.filter(({ records, hadRows, hasRows }) => hadRows && (records === 0 || !hasRows));
  const [first] = empty.map(
    ({ namespace, platform, rowsBefore, records }) =>
      `${platform} (namespace ${namespace}): the reset found ${records === 0 ? 'no records' : 'no events'} where there are ${rowsBefore} events. Nothing was replaced: the old content is kept.`,
  );
  if (first === undefined) return null;
  return {
    code: 'RESET_EMPTY',
    message: first,
    details: empty.map(({ namespace, platform }) => `${namespace} ${platform}`),
  };
}

/** What a reset that was not completed had counted as created is gone with its tables. */
function droppedBy({ resets }: VerdictFacts, { events_created: created }: Summary): readonly string[] {
  if (resets.length === 0 || created === 0) return [];
  return [`the ${created} new events of this reset were dropped with its end; the old content is kept`];
}

function shrinkagesOf({ resets }: VerdictFacts): readonly string[] {
  return resets
    .filter(({ rowsBefore, rowsAfter }) => rowsAfter < rowsBefore / 2)
    .map(
      ({ namespace, platform, rowsBefore, rowsAfter }) =>
        `${platform} (namespace ${namespace}): the reset found ${rowsAfter} events where there were ${rowsBefore}`,
    );
}

/** The law of a platform: what was published in committed chunks has arrived, and what was derived has a place. */
function lossesOf(tally: PlatformTally): { readonly code: string; readonly message: string }[] {
  const { platform, recordsCommitted, recordsAccepted, rejected } = tally;
  const losses: { code: string; message: string }[] = [];
  const arrived = recordsAccepted + rejected;
  const repeats = arrived - recordsCommitted;
  const arrivals = `${arrived} arrived (${recordsAccepted} accepted, ${rejected} rejected)`;
  if (repeats < 0) {
    losses.push({
      code: 'RECORDS_LOST',
      message: `${platform}: ${-repeats} records are missing: ${recordsCommitted} were fetched in committed chunks, ${arrivals}`,
    });
  } else if (repeats > 0 && tally.abandoned === 0) {
    losses.push({
      code: 'RECORDS_UNEXPLAINED',
      message: `${platform}: ${repeats} records too many: ${recordsCommitted} were fetched in committed chunks and no attempt was abandoned, yet ${arrivals}`,
    });
  }
  const { eventsDerived, eventsCreated, duplicates, collisions, deadLettered } = tally;
  if (eventsDerived !== eventsCreated + duplicates + collisions + deadLettered) {
    losses.push({
      code: 'EVENTS_UNBALANCED',
      message: `${platform}: ${eventsDerived} events were derived, but ${eventsCreated} created + ${duplicates} duplicates + ${collisions} collisions + ${deadLettered} dead-lettered are ${eventsCreated + duplicates + collisions + deadLettered}`,
    });
  }
  if (tally.loaderLetters < deadLettered) {
    losses.push({
      code: 'DEAD_LETTERS_MISSING',
      message: `${platform}: ${deadLettered} events were dead-lettered, but only ${tally.loaderLetters} of their letters are stored`,
    });
  }
  return losses;
}

function describeStream(stream: FailedStream): string {
  return `${nameOf(stream)} failed: ${reasonOf(stream.error)}`;
}

function nameOf({ platform, namespace, kind, campaignId, campaignName }: Stream): string {
  const name = campaignName === null ? '' : ` "${campaignName}"`;
  const campaign = campaignId === null ? '' : ` of campaign ${campaignId}${name}`;
  return `${platform} (namespace ${namespace}): ${kind}${campaign}`;
}

function reasonOf(error: unknown): string {
  if (typeof error === 'string') return error;
  const { code, message, detail } = fieldsOf(error);
  const text = [message, detail].find((candidate) => typeof candidate === 'string');
  const parts = [code, text].filter((part) => typeof part === 'string' && part !== '');
  return parts.length === 0 ? 'no reason was stored' : parts.join(': ');
}

function knownError(error: unknown): JobError | null {
  const { code, message, details } = fieldsOf(error);
  if (typeof code !== 'string' || typeof message !== 'string') return null;
  return { code, message, details: Array.isArray(details) ? details.map(String) : [] };
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

/** The progress of a job that has ended: 100 only when all of it is committed (I10), and nothing that falls. */
function finalProgress(before: unknown, summary: Summary, completed: boolean): object {
  const shown = fieldsOf(before);
  const fetched = summary.records_fetched;
  const finalTotals = new Map([
    ...Object.entries(summary.by_platform).map(
      ([name, counts]) => [processingStage(name), counts.records_fetched] as const,
    ),
    ['keying', fetched] as const,
    ['loading', fetched] as const,
  ]);
  const stages = Object.entries(fieldsOf(shown['stages'])).map(([name, stage]) => {
    const { done, total } = fieldsOf(stage);
    if (!completed) return [name, { done: name === 'finalizing' ? total : done, total }];
    // What was an estimate before is known now.
    const final = finalTotals.get(name) ?? total;
    return [name, { done: final, total: final }];
  });
  const total = typeof shown['total_items'] === 'number' ? shown['total_items'] : 0;
  return {
    percentage: completed ? 100 : typeof shown['percentage'] === 'number' ? shown['percentage'] : 0,
    processed_items: fetched,
    total_items: completed ? fetched : Math.max(total, fetched),
    eta_minutes: 0,
    stages: Object.fromEntries(stages),
    waiting_for: null,
  };
}
