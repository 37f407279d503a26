import { connect } from 'node:net';

const METADATA = 3;
const VERSION = 1;
const TIMEOUT_MS = 1_000;

/**
 * Whether a broker answers a Metadata request with itself and a controller. An open port alone is no sign: a broker
 * listens before it can serve. (No client library: this package speaks of processes, not of records.)
 */
export function brokerAnswers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect({ host, port, timeout: TIMEOUT_MS });
    const deadline = setTimeout(() => {
      answer(false);
    }, TIMEOUT_MS);
    const answer = (ready: boolean): void => {
      clearTimeout(deadline);
      socket.destroy();
      resolve(ready);
    };
    socket
      .on('connect', () => socket.write(metadataRequest()))
      .on('data', (chunk) => {
        chunks.push(chunk);
        const response = Buffer.concat(chunks);
        if (response.length >= 4 && response.length >= 4 + response.readInt32BE(0)) answer(namesController(response));
      })
      .on('error', () => {
        answer(false);
      })
      .on('timeout', () => {
        answer(false);
      })
      .on('close', () => {
        answer(false);
      });
  });
}

function metadataRequest(): Buffer {
  const clientId = Buffer.from('full-sync-probe');
  const request = Buffer.alloc(4 + 10 + clientId.length + 4);
  request.writeInt32BE(request.length - 4, 0);
  request.writeInt16BE(METADATA, 4);
  request.writeInt16BE(VERSION, 6);
  request.writeInt32BE(1, 8); // correlation id
  request.writeInt16BE(clientId.length, 12);
  clientId.copy(request, 14);
  request.writeInt32BE(0, 14 + clientId.length); // no topics
  return request;
}

/** Size, correlation id, brokers (id, host, port, rack), controller id. */
function namesController(response: Buffer): boolean {
  let at = 8;
  const text = (): void => {
    at += 2 + Math.max(0, response.readInt16BE(at));
  };
  try {
    const brokers = response.readInt32BE(at);
    at += 4;
    for (let index = 0; index < brokers; index += 1) {
      at += 4;
      text();
      at += 4;
      text();
    }
    return brokers > 0 && response.readInt32BE(at) >= 0;
  } catch {
    return false; // shorter than it says: not a broker
  }
}
