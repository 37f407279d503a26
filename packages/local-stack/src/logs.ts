import { closeSync, fstatSync, openSync, readSync, renameSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf } from './thrown.ts';

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
    if (said < LINES_PER_SPAN) say(`${name}: ${summary}`);
    else held += 1;
    said += 1;
  };

  const endSpan = (): void => {
    if (held > 0) say(`${name}: ${held} more such lines in ${path}`);
    [said, held, spanStart] = [0, 0, performance.now()];
  };

  const poll = (): void => {
    if (performance.now() - spanStart > SPAN_MS) endSpan();
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
    endSpan();
  };
}

/** One line for a pino record of a warning or worse; undefined for anything else. */
export function summarise(line: string): string | undefined {
  const record = parseRecord(line);
  const level = record === undefined ? undefined : levelOf(record);
  if (record === undefined || level === undefined) return undefined;
  const message = 'msg' in record && typeof record.msg === 'string' ? record.msg : 'no message';
  const reason = reasonOf(record);
  const text = reason === undefined || reason === message ? message : `${message} (${reason})`;
  return `${level}: ${text}`.replace(/\s+/g, ' ').slice(0, 400);
}

/** Why a service ended, from its log: its last error record, else what it printed itself before it had a logger. */
export function lastWords(path: string): string {
  const lines = lastLines(path, 40);
  const worst = lines.findLast((line) => ['error', 'fatal'].includes(levelOf(parseRecord(line) ?? {}) ?? ''));
  if (worst !== undefined) return summarise(worst) ?? worst;
  const printed = lines.filter((line) => !line.startsWith('{')).slice(-15);
  return printed.length > 0 ? printed.join('\n') : 'it wrote nothing';
}

function parseRecord(line: string): object | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const record: unknown = JSON.parse(line);
    return typeof record === 'object' && record !== null ? record : undefined;
  } catch {
    return undefined; // not JSON after all: it stays in the log file
  }
}

/** The word for a level of 40 or above; loggers write the level as its number or as its name. */
function levelOf(record: object): 'warning' | 'error' | 'fatal' | undefined {
  const level = 'level' in record ? record.level : undefined;
  if (level === 'fatal' || level === 60) return 'fatal';
  if (level === 'error' || level === 50) return 'error';
  return level === 'warn' || level === 40 ? 'warning' : undefined;
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
