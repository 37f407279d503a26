import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import { withoutAddresses } from '@full-sync/delivery';
import { authorizationOf, createRedactor, parseRetryAfter, shortDetail } from '@full-sync/http-client';
import type { Sender, Sent } from '@full-sync/http-client';
import type { ProfileUpdate } from './domain/profile-facts.ts';
import { readEngageAnswer, readImportAnswer, unaccountedFor } from './domain/read-answer.ts';
import type { EngageAnswer, ImportAnswer } from './domain/read-answer.ts';
import type { Project } from './projects.ts';

const compress = promisify(gzip);
/** JSON of events shrinks to a tenth even so, and processors are shared. */
const gzipLevel = constants.Z_BEST_SPEED;

/** No answer came: it may have been done. */
export interface Unanswered {
  readonly kind: 'retry';
  readonly reason: 'network' | 'timeout';
}

export type Told<Answer> = {
  readonly answer: Answer | Unanswered;
  /** Null without an answer. */
  readonly status: number | null;
  readonly retryAfterMs: number | null;
};

/** The ingestion API of one project. */
export interface Mixpanel {
  /** Sends events, each as its JSON text. Throws only what `signal` was aborted with. */
  readonly importEvents: (events: readonly string[], signal: AbortSignal) => Promise<Told<ImportAnswer>>;
  /** Sends updates of profiles; needs a token. Throws as `importEvents` does. */
  readonly engage: (updates: readonly ProfileUpdate[], signal: AbortSignal) => Promise<Told<EngageAnswer>>;
}

/**
 * Opens the API of a project; `onAnswer` is told of every request, for metrics, `onShortfall` of events that Mixpanel
 * neither refuses nor counts as imported.
 */
export function createMixpanel(
  project: Project,
  parts: {
    readonly sender: Sender;
    readonly now: () => number;
    readonly onAnswer: (status: number | null, elapsedMs: number) => void;
    readonly onShortfall: (events: number) => void;
  },
): Mixpanel {
  const { sender, now, onAnswer, onShortfall } = parts;
  const authorization = authorizationOf(project.auth);
  const ofAccount = createRedactor(project.auth);
  const ofToken = createRedactor({ kind: 'bearer', token: project.token ?? project.auth.username });
  const clean = (text: string): string => shortDetail(text, (line) => withoutAddresses(ofToken(ofAccount(line))));

  const send = async (request: Parameters<Sender['send']>[0]): Promise<Sent> => {
    const beganAt = performance.now();
    const sent = await sender.send(request);
    onAnswer(sent.kind === 'answered' ? sent.status : null, performance.now() - beganAt);
    return sent;
  };
  const told = <Answer extends ImportAnswer | EngageAnswer>(
    sent: Sent,
    read: (answer: { readonly status: number; readonly text: string }) => Answer,
  ): Told<Answer> => {
    if (sent.kind === 'circuit-open') throw new Error('the sender has no circuit');
    if (sent.kind === 'unanswered') {
      return { answer: { kind: 'retry', reason: sent.reason }, status: null, retryAfterMs: null };
    }
    const answer = withCleanDetail(read(sent), clean);
    const retryAfterMs = parseRetryAfter(sent.headers['retry-after'], now()) ?? null;
    return { answer, status: sent.status, retryAfterMs };
  };

  return {
    importEvents: async (events, signal) => {
      const body = await compress(`[${events.join(',')}]`, { level: gzipLevel });
      const sent = await send({
        method: 'POST',
        path: '/import',
        query: { strict: 1, project_id: project.projectId ?? undefined },
        headers: { ...authorization, 'content-type': 'application/json', 'content-encoding': 'gzip' },
        body,
        signal,
      });
      return told(sent, (answer) => {
        const said = readImportAnswer(answer, events.length);
        const missing = unaccountedFor(answer, said, events.length);
        if (missing > 0) onShortfall(missing);
        return said;
      });
    },
    engage: async (updates, signal) => {
      const withToken = updates.map((update) => ({ $token: project.token, ...update }));
      const sent = await send({
        method: 'POST',
        path: '/engage',
        query: { verbose: 1, strict: 1 },
        // No encoding is documented here (Mixpanel fact sheet, section 11).
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(withToken),
        signal,
      });
      return told(sent, readEngageAnswer);
    },
  };
}

/** What an answer says goes to logs and dead letters: short, and without credentials and addresses (I7). */
function withCleanDetail<Answer extends ImportAnswer | EngageAnswer>(
  answer: Answer,
  clean: (text: string) => string,
): Answer {
  if ('detail' in answer) return { ...answer, detail: clean(answer.detail) };
  if (!('refused' in answer)) return answer;
  return { ...answer, refused: new Map([...answer.refused].map(([index, said]) => [index, clean(said)])) };
}
