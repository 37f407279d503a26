import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { exitCodeOf, exitCodes } from '@full-sync/runtime';
import type { Logger } from '@full-sync/runtime';
import { ApiError, ValidationError, problemOf } from './errors.ts';
import type { KnownPaths } from './known-paths.ts';

/** Turns whatever a request fails with into a problem answer; what is our fault is logged, without body or headers. */
export function answerErrors(
  logger: Logger,
  methodsOf: KnownPaths['methodsOf'],
): {
  readonly onError: (error: unknown, request: FastifyRequest, reply: FastifyReply) => void;
  readonly onNotFound: (request: FastifyRequest, reply: FastifyReply) => void;
} {
  const send = (reply: FastifyReply, error: ApiError): void => {
    void reply
      .code(error.status)
      .headers(error.headers)
      .header('content-type', 'application/problem+json; charset=utf-8')
      .send(problemOf(error));
  };
  return {
    onError: (error, request, reply) => {
      const answer = toApiError(error, request);
      if (answer.status === 500)
        logger.error({ err: error, method: request.method, route: routeOf(request) }, 'request failed');
      if (answer.code === 'DB_001') logger.warn({ err: error, route: routeOf(request) }, 'database unreachable');
      send(reply, answer);
    },
    onNotFound: (request, reply) => {
      const path = pathOf(request.url);
      const methods = methodsOf(path);
      if (methods.length === 0) {
        send(reply, new ApiError('API_003', `There is no ${request.method} ${path}.`));
        return;
      }
      const allow = methods.join(', ');
      send(reply, new ApiError('API_012', `${path} knows ${allow}, not ${request.method}.`, { headers: { allow } }));
    },
  };
}

function toApiError(error: unknown, request: FastifyRequest): ApiError {
  const invalidCode = request.routeOptions?.config?.invalidCode ?? 'API_004';
  if (error instanceof ValidationError) return new ApiError(invalidCode, error.message, { faults: error.faults });
  if (error instanceof ApiError)
    return error.code === 'API_004' ? new ApiError(invalidCode, error.message, { faults: error.faults }) : error;
  if (isUnreachable(error)) return new ApiError('DB_001', 'The database does not answer; try again.');
  const status = statusOf(error);
  if (status === 413) return new ApiError('API_005', 'The body is larger than 1 MiB.');
  if (status !== null && status >= 400 && status < 500 && error instanceof Error)
    return new ApiError(invalidCode, error.message);
  return new ApiError('API_006', 'Something went wrong here; the log of the api says what.');
}

/** Connection failures, shutdowns and exhausted connections of Postgres (SQLSTATE classes 08, 57P and 53). */
export function isUnreachable(error: unknown): boolean {
  if (exitCodeOf(error) === exitCodes.environment) return true;
  if (!(error instanceof Error)) return false;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (/^(08|57P|53)/.test(code) || ['ECONNRESET', 'EPIPE', 'ETIMEDOUT'].includes(code)) return true;
  return /Connection terminated|timeout exceeded when trying to connect/.test(error.message);
}

function statusOf(error: unknown): number | null {
  const status = error instanceof Error ? (error as Partial<FastifyError>).statusCode : undefined;
  return status ?? null;
}

function routeOf(request: FastifyRequest): string {
  return request.routeOptions?.url ?? pathOf(request.url);
}

/** The path without its query, which may hold anything. */
function pathOf(url: string): string {
  return (url.split('?')[0] ?? '').slice(0, 200);
}
