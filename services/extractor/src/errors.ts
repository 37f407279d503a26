import { sqlState } from '@full-sync/database';
import { EnvironmentError } from '@full-sync/runtime';

/** SQLSTATE classes of a server that goes down or a line that breaks. */
const serverGone = /^(?:08|57P)/;
/** What the driver says, without a code, of a connection that it has lost or cannot make. */
const lineBroken = /^Connection terminated|^timeout exceeded when trying to connect|is not queryable$/;

/** An error on its way to end the process: one of the database's being gone says so, and what that means. */
export function toFatal(error: unknown): Error {
  const cause = error instanceof Error ? error : new Error(String(error));
  const gone = serverGone.test(sqlState(error) ?? '') || lineBroken.test(cause.message);
  if (!gone) return cause;
  return new EnvironmentError(`Postgres does not answer any more: ${cause.message}`, {
    hint: 'The extractor ends; leases run out by themselves and open chunks are repeated.',
    cause,
  });
}
