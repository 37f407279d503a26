import type { Database } from './database.ts';

/** The statements of this process since the meter was put on; times in ms. */
export interface QueryFigures {
  readonly statements: number;
  readonly selects: number;
  readonly selectMs: number;
  /** Statements that took longer than `slowMs`, of whichever kind. */
  readonly slow: number;
  readonly longestMs: number;
}

export interface QueryMeter {
  readonly figures: () => QueryFigures;
}

/** From here on a statement counts as slow, ms. */
const slowMs = 1_000;

type AnyFunction = (...args: readonly unknown[]) => unknown;

/** Times every statement that goes through the pool, in transactions and out of them, on the connection that runs it. */
export function meterQueries(db: Database): QueryMeter {
  let figures = { statements: 0, selects: 0, selectMs: 0, slow: 0, longestMs: 0 };
  const note = (text: string, tookMs: number): void => {
    const isSelect = /^\s*(select|with)\b/i.test(text);
    figures = {
      statements: figures.statements + 1,
      selects: figures.selects + (isSelect ? 1 : 0),
      selectMs: figures.selectMs + (isSelect ? tookMs : 0),
      slow: figures.slow + (tookMs > slowMs ? 1 : 0),
      longestMs: Math.max(figures.longestMs, tookMs),
    };
  };
  const metered = new WeakSet();
  db.pool.on('acquire', (client) => {
    if (metered.has(client)) return;
    metered.add(client);
    const query: AnyFunction = client.query.bind(client);
    Object.defineProperty(client, 'query', {
      value: (...args: readonly unknown[]) => timed(query, args, (tookMs) => note(textOf(args[0]), tookMs)),
    });
  });
  return { figures: () => figures };
}

/** Calls `query` and tells how long it took to be answered, by callback or promise; what streams is not timed. */
function timed(query: AnyFunction, args: readonly unknown[], told: (tookMs: number) => void): unknown {
  const startedAtMs = performance.now();
  const answered = (): void => told(performance.now() - startedAtMs);
  const last = args.at(-1);
  if (typeof last === 'function') {
    const callback = last;
    const wrapped = (...results: readonly unknown[]): unknown => {
      answered();
      return Reflect.apply(callback, undefined, results);
    };
    return query(...args.slice(0, -1), wrapped);
  }
  const result = query(...args);
  // Both ways: what a statement took does not depend on how it ended, and whoever asked gets the error.
  if (result instanceof Promise) result.then(answered, answered);
  return result;
}

function textOf(statement: unknown): string {
  if (typeof statement === 'string') return statement;
  const text: unknown =
    typeof statement === 'object' && statement !== null && 'text' in statement ? statement.text : '';
  return typeof text === 'string' ? text : '';
}
