import fc from 'fast-check';
import { readDocument } from './document.ts';
import type { Operation } from './document.ts';
import { hintsFor, requestsTo, strayRequests } from './requests.ts';
import type { WireRequest } from './requests.ts';
import { openSender } from './send.ts';

export interface FuzzOptions {
  /** Of the API; its rate limit must be off. */
  readonly url: string;
  /** At least so many, shared evenly among the operations; what finding a small example needs comes on top. */
  readonly requests: number;
  readonly seed: number;
  /** Of jobs that exist. */
  readonly jobIds: readonly string[];
  readonly signal?: AbortSignal;
}

/** A sync that goes on until it is cancelled: it waits for an hour between two windows. */
export const endlessSync = {
  syncMode: 'date_range',
  startDate: '2025-01-01',
  endDate: '2025-01-31',
  dateRange: { chunkSize: 1, delay: 3_600_000 },
} as const;

/** How the requests to one operation went. */
export interface OperationResult {
  readonly name: string;
  /** False for the requests that belong to none. */
  readonly isOperation: boolean;
  readonly requests: number;
  /** Answers by status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** The smallest request that was answered wrongly, and how; null when there was none. */
  readonly failure: string | null;
}

const stray = 'requests to no operation';
/** Operations that are fuzzed at a time. */
const lanes = 4;

/**
 * Sends requests made from `/openapi.json`, and holds every answer against it: no failure of the server, no status,
 * content type or body that is not described, nothing of the program's innards.
 */
export async function fuzzApi(options: FuzzOptions): Promise<readonly OperationResult[]> {
  const { url, requests, seed, jobIds, signal } = options;
  const document = await readDocument(url);
  using sender = openSender(url);
  const hints = hintsFor(jobIds);
  // What ends jobs and deletes namespaces comes last: the others want to find some.
  const kept = document.operations.filter(({ method }) => method !== 'DELETE');
  const ending = document.operations.filter(({ method }) => method === 'DELETE');
  const targets: readonly (Operation | null)[] = [...kept, null, ...ending];
  const runs = Math.ceil(requests / targets.length);

  const fuzz = async (operation: Operation | null): Promise<OperationResult> => {
    const statuses: Record<string, number> = {};
    let sent = 0;
    const made = operation === null ? strayRequests() : requestsTo(operation, hints);
    const property = fc.asyncProperty(made, async (wire) => {
      signal?.throwIfAborted();
      const reply = await sender.send(wire);
      sent += 1;
      statuses[reply.status] = (statuses[reply.status] ?? 0) + 1;
      // A request line or headers beyond all bounds are refused before it is known whose they are.
      const known = reply.status === 431 ? null : operation;
      const fault = document.faultOf(known, reply);
      if (fault !== null) throw new Error(fault);
    });
    const { failed, counterexample, errorInstance } = await fc.check(property, { seed, numRuns: runs });
    const smallest = counterexample?.[0];
    return {
      name: operation?.name ?? stray,
      isOperation: operation !== null,
      requests: sent,
      statuses,
      failure: failed ? `${smallest === undefined ? '' : show(smallest)}\n    ${String(errorInstance)}` : null,
    };
  };

  const results: OperationResult[] = [];
  const waiting = [...targets];
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) results.push(await fuzz(next));
    }),
  );
  return results.toSorted((a, b) => a.name.localeCompare(b.name));
}

function show({ method, path, headers, body }: WireRequest): string {
  const cut = (text: string): string => (text.length > 500 ? `${text.slice(0, 500)}... (${text.length})` : text);
  return `${method} ${cut(path)} ${cut(JSON.stringify(headers))} ${body === null ? '' : cut(JSON.stringify(body))}`;
}
