/** Every code that the API answers with, its HTTP status and what it means; the codes never change their meaning. */
export const catalogue = {
  SYNC_001: { status: 400, title: 'Invalid sync configuration' },
  SYNC_002: { status: 404, title: 'No such job' },
  SYNC_003: { status: 409, title: 'Conflicts with a running job' },
  SYNC_004: { status: 429, title: 'Too many requests' },
  SYNC_005: { status: 409, title: "Not possible in the job's state" },
  KEY_001: { status: 400, title: 'Invalid event key request' },
  KEY_002: { status: 500, title: 'Event key could not be made' },
  KEY_003: { status: 503, title: 'Keyers cannot be reached' },
  DB_001: { status: 503, title: 'Database unreachable' },
  NS_001: { status: 404, title: 'No such namespace' },
  NS_002: { status: 400, title: 'Deletion not confirmed' },
  NS_003: { status: 409, title: 'Namespace in use' },
  DB_002: { status: 409, title: 'Database is being optimized' },
  DB_003: { status: 503, title: 'Table locked' },
  DLQ_001: { status: 404, title: 'No such dead letter' },
  API_001: { status: 401, title: 'API key missing or not valid' },
  API_002: { status: 403, title: 'Forbidden' },
  API_003: { status: 404, title: 'No such endpoint' },
  API_004: { status: 400, title: 'Malformed request' },
  API_005: { status: 413, title: 'Request body too large' },
  API_006: { status: 500, title: 'Internal error' },
  API_007: { status: 408, title: 'Request came too slowly' },
  API_008: { status: 415, title: 'Encoding not supported' },
  API_009: { status: 422, title: 'Idempotency key used for another request' },
  API_010: { status: 409, title: 'Still being answered' },
  API_011: { status: 431, title: 'Headers too large' },
  API_012: { status: 405, title: 'Method not allowed' },
} as const;

export type ErrorCode = keyof typeof catalogue;

/** One fault of a request, and where it lies in the body or the query (RFC 6901). */
export interface Fault {
  readonly pointer: string;
  readonly message: string;
}

/** A request that cannot be answered as asked; becomes a problem+json answer. */
export class ApiError extends Error {
  readonly code: ErrorCode;
  readonly faults: readonly Fault[];
  /** Further members of the answer, such as `conflictingJobId`. */
  readonly extra: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: ErrorCode,
    message: string,
    more: {
      readonly faults?: readonly Fault[];
      readonly extra?: Readonly<Record<string, unknown>>;
      readonly headers?: Readonly<Record<string, string>>;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, more.cause === undefined ? {} : { cause: more.cause });
    this.name = 'ApiError';
    this.code = code;
    this.faults = more.faults ?? [];
    this.extra = more.extra ?? {};
    this.headers = more.headers ?? {};
  }

  get status(): number {
    return catalogue[this.code].status;
  }
}

/** No job has the id that a request names. */
export function noSuchJob(jobId: string): ApiError {
  return new ApiError('SYNC_002', `There is no job ${jobId.slice(0, 80)}.`);
}

/** Faults of a body or query found by its schema; the route says which code they are answered with. */
export class ValidationError extends Error {
  readonly faults: readonly Fault[];

  constructor(faults: readonly Fault[]) {
    super(summaryOf(faults));
    this.name = 'ValidationError';
    this.faults = faults;
  }
}

/** The faults in one sentence. */
export function summaryOf(faults: readonly Fault[]): string {
  return faults.map(({ pointer, message }) => (pointer === '' ? message : `${pointer}: ${message}`)).join('; ');
}

/** The body of a problem answer: RFC 9457 with the members that scripts written for the guide read. */
export function problemOf(error: ApiError): Readonly<Record<string, unknown>> {
  const { status, title } = catalogue[error.code];
  return {
    type: `urn:full-sync:problem:${error.code}`,
    title,
    status,
    detail: error.message,
    success: false,
    error: error.message,
    code: error.code,
    ...(error.faults.length === 0 ? {} : { errors: error.faults }),
    ...error.extra,
  };
}
