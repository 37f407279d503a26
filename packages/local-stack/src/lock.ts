import { linkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { identityOf, isRunning, type ProcessRef } from './identity.ts';
import { readJson } from './home.ts';
import { codeOf } from './thrown.ts';

/** A lock file held by this process until it is released or the process is gone. */
export type Lock = { release(): void };

/** Who holds a lock file, if that process still runs. */
export function lockHolder(path: string): ProcessRef | undefined {
  const holder = readJson(path);
  if (!isRef(holder)) return undefined;
  return isRunning(holder) ? holder : undefined;
}

/**
 * Takes the lock file, also from a holder that is gone. Undefined when another running process (or this one, for
 * another stack) has it.
 */
export function tryLock(path: string): Lock | undefined {
  const own: ProcessRef = { pid: process.pid, identity: identityOf(process.pid) ?? '' };
  const beside = `${path}.${process.pid}`;
  writeFileSync(beside, JSON.stringify(own));
  try {
    for (let tried = 0; tried < 3; tried += 1) {
      try {
        // A link is made whole or not at all: nobody ever reads a lock that does not name its holder yet.
        linkSync(beside, path);
        return { release: () => rmSync(path, { force: true }) };
      } catch (error) {
        if (codeOf(error) !== 'EEXIST') throw error;
        if (lockHolder(path) !== undefined || !removeStale(path)) return undefined;
      }
    }
    return undefined;
  } finally {
    rmSync(beside, { force: true });
  }
}

/** Removes a lock whose holder is gone; false when another process took it over in the same moment. */
function removeStale(path: string): boolean {
  const aside = `${path}.${process.pid}.stale`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return true;
    throw error;
  }
  const taken = lockHolder(aside) !== undefined;
  if (taken) linkSync(aside, path);
  rmSync(aside, { force: true });
  return !taken;
}

function isRef(value: unknown): value is ProcessRef {
  return (
    typeof value === 'object' &&
    value !== null &&
    'pid' in value &&
    typeof value.pid === 'number' &&
    'identity' in value &&
    typeof value.identity === 'string'
  );
}
