/** The counts of a summary, by their names in the REST contract. */
export type Counts = {
  readonly total_processed: number;
  readonly records_fetched: number;
  readonly records_accepted: number;
  readonly rejected: number;
  readonly events_derived: number;
  readonly events_created: number;
  readonly duplicates: number;
  readonly collisions: number;
  readonly dead_lettered: number;
  readonly users_processed: number;
  readonly errors: number;
};

/** A job as `GET /api/full-sync/status/{jobId}` shows it. */
export type JobStatus = {
  readonly jobId: string;
  readonly status: string;
  readonly progress: {
    readonly percentage: number;
    readonly processed_items: number;
    readonly total_items: number;
    readonly current_stage: string;
    readonly eta_minutes: number;
    readonly stages: Readonly<Record<string, { readonly done: number; readonly total: number }>>;
    readonly waiting_for: string | null;
  };
  readonly summary: Counts & {
    readonly duration_ms: number;
    readonly by_platform: Readonly<Record<string, Counts>>;
  };
  readonly destinations: Readonly<
    Record<
      string,
      { readonly sent: number; readonly skipped: number; readonly failed: number; readonly waiting: number }
    >
  >;
  readonly error: { readonly code: string; readonly message: string; readonly details: readonly string[] } | null;
  readonly warnings: readonly string[];
  readonly created_at: string;
  readonly started_at: string | null;
  readonly completed_at: string | null;
};

export type Answer = {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
};

export type ApiClient = {
  readonly api: string;
  /** One request; a body is sent as JSON. */
  readonly call: (method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown) => Promise<Answer>;
  /** Starts a sync (of both platforms, in full, unless told) and returns the job's id. Throws unless it is accepted. */
  readonly execute: (body?: Readonly<Record<string, unknown>>) => Promise<string>;
  readonly status: (jobId: string) => Promise<JobStatus>;
  /** The text of every answer so far, headers included. */
  readonly answers: () => readonly string[];
};

const requestTimeoutMs = 10_000;

/** Speaks to the api as a user's script does. */
export function createApiClient(api: string): ApiClient {
  const answers: string[] = [];
  const call: ApiClient['call'] = async (method, path, body) => {
    const response = await fetch(`${api}${path}`, {
      method,
      signal: AbortSignal.timeout(requestTimeoutMs),
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const text = await response.text();
    answers.push(`${JSON.stringify([...response.headers])}\n${text}`);
    return { status: response.status, headers: response.headers, text };
  };
  return {
    api,
    call,
    answers: () => answers,
    async execute(body = {}) {
      const answer = await call('POST', '/api/full-sync/execute', {
        platforms: ['smartlead', 'lemlist'],
        syncMode: 'full_historical',
        ...body,
      });
      if (answer.status !== 202) throw new Error(`execute answered ${answer.status}: ${answer.text}`);
      return (JSON.parse(answer.text) as { readonly jobId: string }).jobId;
    },
    async status(jobId) {
      const answer = await call('GET', `/api/full-sync/status/${jobId}`);
      if (answer.status !== 200) throw new Error(`status answered ${answer.status}: ${answer.text}`);
      return JSON.parse(answer.text) as JobStatus;
    },
  };
}
