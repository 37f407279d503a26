import { connect } from 'node:net';

/*
 * Three requests written by hand: this package speaks of processes and not of records, and so has no client library.
 */

const TIMEOUT_MS = 1_000;
const CLIENT_ID = 'full-sync-probe';
/** Asking for the coordinator of a group that nobody uses makes the broker create and load its table of offsets. */
const GROUP = 'full-sync-probe';
const METADATA = { key: 3, version: 1 } as const;
const OFFSET_FETCH = { key: 9, version: 2 } as const;
const FIND_COORDINATOR = { key: 10, version: 1 } as const;

/**
 * Whether a broker serves clients: it names itself and a controller, and consumer groups can be used. An open port is
 * no sign of that (a broker listens first), and on a new broker the first member of the first group would be told that
 * the coordinator is loading.
 */
export async function brokerAnswers(host: string, port: number): Promise<boolean> {
  try {
    if (!namesController(await ask(host, port, METADATA, int32(0)))) return false;
    const coordinator = await ask(host, port, FIND_COORDINATOR, Buffer.concat([text(GROUP), Buffer.of(0)]));
    if (coordinator.readInt16BE(4) !== 0) return false; // behind the throttle time
    const offsets = await ask(host, port, OFFSET_FETCH, Buffer.concat([text(GROUP), int32(-1)]));
    return offsets.readInt16BE(offsets.length - 2) === 0;
  } catch {
    return false; // refused, cut off, too slow, or not a broker: the caller asks again
  }
}

/** Sends one request on a connection of its own; what follows the correlation id in the answer. */
function ask(host: string, port: number, api: { key: number; version: number }, body: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect({ host, port });
    const deadline = setTimeout(() => socket.destroy(new Error('no answer in time')), TIMEOUT_MS);
    socket
      .on('connect', () => {
        const header = Buffer.alloc(8);
        header.writeInt16BE(api.key, 0);
        header.writeInt16BE(api.version, 2);
        const request = Buffer.concat([header, text(CLIENT_ID), body]);
        socket.write(Buffer.concat([int32(request.length), request]));
      })
      .on('data', (chunk) => {
        chunks.push(chunk);
        const response = Buffer.concat(chunks);
        if (response.length < 4 || response.length < 4 + response.readInt32BE(0)) return;
        resolve(response.subarray(8));
        socket.destroy();
      })
      .on('error', reject)
      .on('close', () => {
        clearTimeout(deadline);
        reject(new Error('closed without an answer'));
      });
  });
}

/** Brokers (id, host, port, rack), then the controller's id. Throws RangeError when it is shorter than it says. */
function namesController(response: Buffer): boolean {
  const brokers = response.readInt32BE(0);
  let at = 4;
  for (let index = 0; index < brokers; index += 1) {
    at += 4;
    at += 2 + response.readInt16BE(at);
    at += 4;
    at += 2 + Math.max(0, response.readInt16BE(at));
  }
  return brokers > 0 && response.readInt32BE(at) >= 0;
}

function int32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32BE(value);
  return buffer;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(2);
  length.writeInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
