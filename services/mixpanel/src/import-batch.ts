import { done, halt, reject, retry } from '@full-sync/delivery';
import type { Settlement } from '@full-sync/delivery';
import type { Delivery } from '@full-sync/destinations';
import type { ImportAnswer } from './domain/read-answer.ts';
import type { Told, Unanswered } from './mixpanel.ts';

export interface Importing {
  readonly send: (events: readonly string[]) => Promise<Told<ImportAnswer>>;
  /** Bytes of a request that the project takes, as far as is known. */
  readonly maxBytes: () => number;
  /** Told when a request was too large: a smaller bound, from then on. */
  readonly learnMaxBytes: (bytes: number) => void;
  /** Told of a failure; returns how long to stay away, null = as the caller likes. */
  readonly slowDown: (reason: string, told: Told<unknown>) => number | null;
}

interface Range {
  readonly from: number;
  readonly to: number;
}

/** So many single events that are refused, and not one that is not, are no fault of the events. */
const suspectAfter = 8;

/**
 * Imports events, splitting them where Mixpanel takes no such batch, until each is settled or something is wrong that is
 * no event's fault (Mixpanel fact sheet, section 15). What is refused by name is rejected, whatever else is in its batch.
 */
export async function importBatch(importing: Importing, events: readonly string[]): Promise<Delivery> {
  const settled = new Array<Settlement | undefined>(events.length).fill(undefined);
  const ranges: Range[] = cutByBytes(events, { from: 0, to: events.length }, importing.maxBytes());
  let answerCode = 0;
  let accepted = 0;
  let refusedAlone = 0;
  const rejectOne = (index: number, detail: string): void => {
    settled[index] = reject('MIXPANEL_REFUSED', detail);
  };
  /** Whether the project refuses whatever it is sent, to be asked after each event that is refused alone. */
  const refusesAll = async (): Promise<boolean> => {
    refusedAlone += 1;
    if (refusedAlone !== suspectAfter || accepted > 0 || events.length <= suspectAfter) return false;
    const { answer } = await importing.send(events.slice(-1));
    return answer.kind === 'refused' || answer.kind === 'too-large';
  };
  for (let range = ranges.shift(); range !== undefined; range = ranges.shift()) {
    const { from, to } = range;
    const told = await importing.send(events.slice(from, to));
    const { answer } = told;
    answerCode = told.status ?? answerCode;
    switch (answer.kind) {
      case 'stored':
        settled.fill(done, from, to);
        accepted += to - from;
        break;
      case 'partly':
        settled.fill(done, from, to);
        for (const [index, said] of answer.refused) rejectOne(from + index, said);
        accepted += to - from - answer.refused.size;
        break;
      case 'spoilt':
        for (const [index, said] of answer.refused) rejectOne(from + index, said);
        ranges.unshift(...runsOfUnsettled(settled, range));
        break;
      case 'too-large':
        if (to - from === 1) {
          settled[from] = reject('MIXPANEL_TOO_LARGE', answer.detail);
          if (await refusesAll()) return refusedAll(answer.detail);
          break;
        }
        importing.learnMaxBytes(boundAfter(answer.maxBytes, events.slice(from, to)));
        ranges.unshift(...halves(range));
        break;
      case 'refused':
        if (to - from > 1) {
          ranges.unshift(...halves(range));
          break;
        }
        rejectOne(from, answer.detail);
        if (await refusesAll()) return refusedAll(answer.detail);
        break;
      default:
        return withRest(importing, settled, { told, answer, answerCode });
    }
  }
  return { kind: 'each', settlements: settled.map((one) => one ?? retry(0)), answerCode };
}

function refusedAll(detail: string): Delivery {
  return { kind: 'halt', code: 'MIXPANEL_REFUSES_ALL', detail };
}

/** The rest waits: all of it when nothing is settled, else what is left, one by one. */
function withRest(
  importing: Importing,
  settled: readonly (Settlement | undefined)[],
  {
    told,
    answer,
    answerCode,
  }: {
    readonly told: Told<ImportAnswer>;
    readonly answer: Extract<ImportAnswer, { readonly kind: 'retry' | 'halt' }> | Unanswered;
    readonly answerCode: number;
  },
): Delivery {
  const nothingYet = settled.every((one) => one === undefined);
  if (answer.kind === 'halt') {
    if (nothingYet) return answer;
    const rest = halt(answer.code, answer.detail);
    return { kind: 'each', settlements: settled.map((one) => one ?? rest), answerCode };
  }
  const afterMs = importing.slowDown(answer.reason, told);
  if (nothingYet) return { kind: 'retry', afterMs, reason: answer.reason };
  const rest = retry(afterMs ?? 1_000);
  return { kind: 'each', settlements: settled.map((one) => one ?? rest), answerCode };
}

function halves({ from, to }: Range): readonly Range[] {
  const middle = Math.ceil((from + to) / 2);
  return [
    { from, to: middle },
    { from: middle, to },
  ];
}

/** The limit that Mixpanel names may be the right one or an old one: half of what it refused is tried in any case. */
function boundAfter(said: number | null, refused: readonly string[]): number {
  const half = Math.floor(bytesOf(refused) / 2);
  return said === null ? half : Math.min(said, half);
}

function bytesOf(events: readonly string[]): number {
  return events.reduce((bytes, event) => bytes + Buffer.byteLength(event) + 1, 1);
}

function cutByBytes(events: readonly string[], range: Range, maxBytes: number): Range[] {
  const ranges: Range[] = [];
  let { from } = range;
  let bytes = 1;
  for (let index = range.from; index < range.to; index += 1) {
    const size = Buffer.byteLength(events[index] ?? '') + 1;
    if (index > from && bytes + size > maxBytes) {
      ranges.push({ from, to: index });
      from = index;
      bytes = 1;
    }
    bytes += size;
  }
  if (from < range.to) ranges.push({ from, to: range.to });
  return ranges;
}

function runsOfUnsettled(settled: readonly (Settlement | undefined)[], { from, to }: Range): readonly Range[] {
  const runs: Range[] = [];
  for (let index = from; index < to; index += 1) {
    if (settled[index] !== undefined) continue;
    const last = runs.at(-1);
    if (last?.to === index) runs[runs.length - 1] = { from: last.from, to: index + 1 };
    else runs.push({ from: index, to: index + 1 });
  }
  return runs;
}
