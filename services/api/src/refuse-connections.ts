import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { ApiError, problemOf } from './errors.ts';

/**
 * Answers what is not HTTP, or comes too slowly, or has headers beyond all bounds, with a problem like everything else,
 * and closes the connection.
 */
export function refuseConnection(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const answer = answerFor(error.code);
  const body = JSON.stringify(problemOf(answer));
  socket.end(
    `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? ''}\r\ncontent-type: application/problem+json; charset=utf-8\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

function answerFor(code: string | undefined): ApiError {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new ApiError('API_007', 'The request did not arrive in time.');
    case 'HPE_HEADER_OVERFLOW':
      return new ApiError('API_011', 'The headers are larger than 16 KiB.');
    default:
      return new ApiError('API_004', 'This is not an HTTP request.');
  }
}
