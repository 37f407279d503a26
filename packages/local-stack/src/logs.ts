import { closeSync, fstatSync, openSync, readSync, renameSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf } from './errors.ts';

const POLL_MS = 250;
const CHUNK = 65_536;
/** At most this many lines of one process reach the terminal in one span; the rest is counted and named. */
const LINES_PER_SPAN = 5;
const SPAN_MS = 10_000;

/** Sets the logs of the last start aside as `*.log.1`, so that what follows is of this start alone. */
export function rotateLogs(directory: string): void {
  for (const name of readdirSync(directory)) {
    if (name.endsWith('.log')) renameSync(join(directory, name), join(directory, `${name}.1`));
  }
}

/** The last `count` non-empty lines of a log, oldest first; empty when there is no such file. */
export function lastLines(path: string, count: number): readonly string[] {
  const tail = readFrom(path, (size) => Math.max(0, size - CHUNK));
  return tail === undefined
    ? []
    : tail.text
        .split('\n')
        .filter((line) => line.trim() !== '')
        .slice(-count);
}

/**
 * Follows a log file that a child writes itself (so that it outlives us) and hands on what is worth a line in the
 * terminal. Returns a function that stops following.
 */
export function followLog(path: string, name: string, say: (line: string) => void): () => void {
  let offset = 0;
  let rest = '';
  let said = 0;
  let held = 0;
  let spanStart = 0;

  const onLine = (line: string): void => {
    const summary = summarise(line);
    if (summary === undefined) return;
    if (performance.now() - spanStart > SPAN_MS) {
      if (held > 0) say(`${name}: ${String(held)} more such lines in ${path}`);
      [said, held, spanStart] = [0, 0, performance.now()];
    }
    if (said < LINES_PER_SPAN) say(`${name}: ${summary}`);
    else held += 1;
    said += 1;
  };

  const poll = (): void => {
    for (;;) {
      const next = readFrom(path, () => offset);
      if (next === undefined || next.bytes === 0) return;
      offset += next.bytes;
      const lines = (rest + next.text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) onLine(line);
    }
  };

  const timer = setInterval(poll, POLL_MS).unref();
  return () => {
    clearInterval(timer);
    poll();
  };
}

/** One line for a pino record of level 40 (warning) or above; undefined for anything else. */
export function summarise(line: string): string | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const record: unknown = JSON.parse(line);
    if (typeof record !== 'object' || record === null || !('level' in record)) return undefined;
    if (typeof record.level !== 'number' || record.level < 40) return undefined;
    const message = 'msg' in record && typeof record.msg === 'string' ? record.msg : 'no message';
    const reason = reasonOf(record);
    const word = record.level >= 60 ? 'fatal' : record.level >= 50 ? 'error' : 'warning';
    return `${word}: ${message}${reason === undefined || reason === message ? '' : ` (${reason})`}`
      .replace(/\s+/g, ' ')
      .slice(0, 400);
  } catch {
    return undefined; // not JSON after all: it stays in the log file
  }
}

function reasonOf(record: object): string | undefined {
  const err = 'err' in record ? record.err : undefined;
  if (typeof err !== 'object' || err === null || !('message' in err)) return undefined;
  return typeof err.message === 'string' ? err.message : undefined;
}

function readFrom(path: string, from: (size: number) => number): { text: string; bytes: number } | undefined {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const start = from(fstatSync(file).size);
    const buffer = Buffer.allocUnsafe(CHUNK);
    const bytes = readSync(file, buffer, 0, CHUNK, start);
    // Cut at the last newline, so that no character of several bytes is read in halves.
    const end = buffer.lastIndexOf(10, bytes - 1) + 1;
    const usable = bytes === CHUNK && end > 0 ? end : bytes;
    return { text: buffer.toString('utf8', 0, usable), bytes: usable };
  } finally {
    closeSync(file);
  }
}
