import { EnvironmentError } from '@full-sync/runtime';
import pg from 'pg';

/** Postgres is gone, or the line to it broke, while it was in use. What was not committed is not there. */
export class UnreachableError extends EnvironmentError {
  constructor(cause: Error) {
    super(`Postgres does not answer any more: ${cause.message}`, {
      hint: 'Check the server at DATABASE_URL. A process that ends of this goes on from what is committed when it is started again.',
      cause,
    });
  }
}

/** SQLSTATE classes of a server that goes down (57P), of a line that breaks (08) and of one that has no room for us (53). */
const serverStates = /^(?:08|53|57P)/;
const systemCodes: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
]);
/** What the driver says, without a code, of a connection that it has lost or cannot make. */
const driverWords = /^Connection terminated|timeout exceeded when trying to connect|is not queryable$/;

/** The error of a query as an UnreachableError when it says nothing of the query but that Postgres is gone, else as it is. */
export function labelled(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const code: unknown = Reflect.get(error, 'code');
  if (error instanceof pg.DatabaseError) {
    return serverStates.test(String(code)) ? new UnreachableError(error) : error;
  }
  // The driver passes on what the system said, as plain errors; those of other peers carry names of their own.
  const isPlain = error.name === 'Error' || error.name === 'AggregateError';
  return isPlain && (systemCodes.has(code) || driverWords.test(error.message)) ? new UnreachableError(error) : error;
}
