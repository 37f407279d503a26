import { chance, draw } from './random.ts';

export type PlatformName = 'smartlead' | 'lemlist' | 'mixpanel' | 'attio';

/** What goes wrong with one answer. */
export type FaultAction =
  /** Any status; `retryAfter` is sent as it stands (seconds), null leaves the header out. */
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly retryAfter?: number | string | null;
      readonly body?: FaultBody;
    }
  /** 200 with no bytes, 200 `{}`, 200 `{"success":false}`, 200 with the web application's page. */
  | { readonly kind: 'emptyBody' | 'emptyObject' | 'failureIn200' | 'html' }
  /** The right body under another content type (default `text/plain`). */
  | { readonly kind: 'contentType'; readonly contentType?: string }
  /** The answer waits `ms` milliseconds; goes together with another fault. */
  | { readonly kind: 'latency'; readonly ms: number }
  /** The connection is reset after `afterBytes` of the body (default half of it). */
  | { readonly kind: 'reset'; readonly afterBytes?: number }
  /** Nothing more is ever sent: no headers, or, with `afterBytes`, after that much of the body. */
  | { readonly kind: 'hang'; readonly afterBytes?: number }
  /** A well-framed 200 whose JSON ends after `afterBytes` (default half of it). */
  | { readonly kind: 'truncate'; readonly afterBytes?: number }
  /** The connection is reset before the request is read: nothing is done. */
  | { readonly kind: 'dropRequest' }
  /** The request is done, and not a byte of its answer is sent: the connection is reset, or, with `silent`, stays open. */
  | { readonly kind: 'loseReply'; readonly silent?: boolean }
  /** The request is done `ms` milliseconds after it came, whether or not its caller still waits. */
  | { readonly kind: 'late'; readonly ms: number }
  /** The platform's answers to a wrong key, and to a plan without API access. */
  | { readonly kind: 'rejectKey' | 'planGate' };

/** How the body of a `status` fault looks; any other text is sent as it stands. */
export type FaultBody = 'nested' | 'message' | 'error' | 'text' | 'html' | 'empty' | (string & {});

/** Which requests a fault hits; without bounds it hits the next one. */
export interface FaultTarget {
  /** Part of the path, such as `/statistics`. */
  readonly path?: string;
  /** Matching requests to let pass first. */
  readonly skip?: number;
  /** How many requests are hit: 1, or all when a probability is given. */
  readonly count?: number;
  /** Share of the matching requests, 0 to 1, drawn from `seed`. */
  readonly probability?: number;
  readonly seed?: number;
}

export type FaultSpec = FaultAction & FaultTarget;

/** Kinds of `FaultAction`, for reading faults that come over HTTP. */
export const FAULT_KINDS: ReadonlySet<string> = new Set([
  'status',
  'emptyBody',
  'emptyObject',
  'failureIn200',
  'html',
  'contentType',
  'latency',
  'reset',
  'hang',
  'truncate',
  'dropRequest',
  'loseReply',
  'late',
  'rejectKey',
  'planGate',
]);

const STREAM_FAULT = 71;

interface ArmedFault {
  readonly spec: FaultSpec;
  seen: number;
  hits: number;
}

/** The faults waiting for one platform's requests. */
export class FaultPlan {
  private armed: ArmedFault[] = [];

  add(spec: FaultSpec): void {
    this.armed.push({ spec, seen: 0, hits: 0 });
  }

  clear(): void {
    this.armed = [];
  }

  /** Faults with what they hit so far. */
  list(): readonly (FaultSpec & { readonly hits: number })[] {
    return this.armed.map(({ spec, hits }) => ({ ...spec, hits }));
  }

  /** The faults that hit a request to `path`: every latency, and the first of the others. */
  take(path: string): { readonly latencyMs: number; readonly action: FaultAction | null } {
    let latencyMs = 0;
    let action: FaultAction | null = null;
    for (const fault of this.armed) {
      const { spec } = fault;
      if (spec.path !== undefined && !path.includes(spec.path)) continue;
      if (action !== null && spec.kind !== 'latency') continue;
      if (!strikes(fault)) continue;
      fault.hits += 1;
      if (spec.kind === 'latency') latencyMs += spec.ms;
      else action = spec;
    }
    this.armed = this.armed.filter(({ spec, hits }) => hits < limitOf(spec));
    return { latencyMs, action };
  }
}

function limitOf(spec: FaultSpec): number {
  return spec.count ?? (spec.probability === undefined ? 1 : Number.POSITIVE_INFINITY);
}

function strikes(fault: ArmedFault): boolean {
  const { spec } = fault;
  const nth = fault.seen++;
  if (nth < (spec.skip ?? 0)) return false;
  if (spec.probability === undefined) return true;
  return chance(draw(spec.seed ?? 1, STREAM_FAULT, nth), Math.round(spec.probability * 1000));
}
