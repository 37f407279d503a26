import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startStack, type Stack, type StackOptions } from '../src/index.ts';

/** An empty directory for the state of a stack, removed when disposed. */
export function temporaryHome(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'full-sync-stack-test-'));
  return {
    path,
    [Symbol.dispose]: () => {
      rmSync(path, { recursive: true, force: true });
    },
  };
}

/** A stack of its own, whatever addresses the test run itself was given. */
export function privateStack(home: string, options: Partial<StackOptions> = {}): Promise<Stack> {
  const env = { ...process.env, KAFKA_BROKERS: '', SCHEMA_REGISTRY_URL: '', DATABASE_URL: '' };
  return startStack({ home, env, ...options });
}

export type Listed = { readonly name: string; readonly pid: number; readonly restarts: number };

/** What processes.json of a home says now. */
export function listedIn(home: string): readonly Listed[] {
  return JSON.parse(readFileSync(join(home, 'processes.json'), 'utf8')) as readonly Listed[];
}

/** Whether a process with this pid is there and no zombie. */
export function isThere(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
