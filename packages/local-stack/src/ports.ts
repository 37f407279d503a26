import { randomInt } from 'node:crypto';
import { connect, createServer } from 'node:net';
import { StackError } from './errors.ts';

/*
 * Below the range from which systems take the source port of outgoing connections: a client that keeps dialling a
 * broker that is down could otherwise be given the broker's own port, and the broker could not come back on it.
 */
const LOWEST = 20_000;
const HIGHEST = 30_000;
const TRIES = 200;

/** Whether a server could listen on the port now. */
export function isFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(false);
    });
    server.listen({ port, host, exclusive: true }, () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}

/** A free port from 20000 to 29999: `preferred` where that is still free. Throws StackError when none is found. */
export async function findPort(preferred?: number, host = '127.0.0.1'): Promise<number> {
  if (preferred !== undefined && (await isFree(preferred, host))) return preferred;
  for (let tried = 0; tried < TRIES; tried += 1) {
    const port = randomInt(LOWEST, HIGHEST);
    if (await isFree(port, host)) return port;
  }
  throw new StackError(`no free port found on ${host} between ${LOWEST} and ${HIGHEST}`);
}

/** Whether something accepts a TCP connection there within `timeoutMs`. */
export function accepts(host: string, port: number, timeoutMs = 2_000): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeoutMs });
    const answer = (open: boolean) => (): void => {
      socket.destroy();
      resolve(open);
    };
    socket.once('connect', answer(true)).once('error', answer(false)).once('timeout', answer(false));
  });
}
