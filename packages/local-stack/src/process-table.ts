import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { parseChildren, stagesOf, type ChildRef } from './children.ts';
import { writeAtomically, type Home } from './home.ts';
import { endProcesses } from './identity.ts';
import { codeOf } from './thrown.ts';

/** One line of processes.json: a process that runs now. `copy` counts from 1. */
export type ProcessEntry = {
  readonly name: string;
  readonly copy: number;
  readonly pid: number;
  readonly startedAt: string;
  readonly restarts: number;
  readonly metricsUrl?: string;
};

/** The processes of a stack, kept true in processes.json and known to the reaper. */
export type ProcessTable = {
  add(entry: ProcessEntry, ref: ChildRef): void;
  remove(pid: number): void;
  list(): readonly ProcessEntry[];
  /** Ends the reaper and removes the files; call it when every process has been stopped. */
  close(): void;
};

/** Ends what an earlier stack of this home left running (its supervisor and reaper were both killed); the names of those ended. */
export async function endLeftovers(home: Home): Promise<readonly string[]> {
  const left = parseChildren(readOr(home.children, '[]'));
  const ended: string[] = [];
  for (const stage of stagesOf(left)) {
    ended.push(...(await endProcesses(stage, 8_000)).map((ref) => ref.name));
  }
  rmSync(home.children, { force: true });
  rmSync(home.processes, { force: true });
  return ended;
}

/** Opens the table of a home and starts its reaper. */
export function openProcessTable(home: Home): ProcessTable {
  const rows = new Map<number, { entry: ProcessEntry; ref: ChildRef }>();
  let reaper = startReaper();
  let open = true;

  function startReaper(): ChildProcess {
    const path = fileURLToPath(new URL('./reaper.ts', import.meta.url));
    const child = spawn(process.execPath, [path, home.lock, home.children, home.processes, home.stackEnv], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    child.stdin?.on('error', () => undefined); // its death is seen by 'exit'
    child.once('exit', () => {
      if (!open) return;
      reaper = startReaper();
      tellReaper();
    });
    child.unref();
    if (child.stdin instanceof Socket) child.stdin.unref();
    return child;
  }

  function tellReaper(): void {
    reaper.stdin?.write(`${JSON.stringify([...rows.values()].map((row) => row.ref))}\n`);
  }

  function publish(): void {
    tellReaper();
    const all = [...rows.values()];
    writeAtomically(home.children, `${JSON.stringify(all.map((row) => row.ref))}\n`, 0o600);
    writeAtomically(
      home.processes,
      `${JSON.stringify(
        all.map((row) => row.entry),
        null,
        2,
      )}\n`,
    );
  }

  return {
    add(entry, ref) {
      rows.set(entry.pid, { entry, ref });
      publish();
    },
    remove(pid) {
      if (rows.delete(pid) && open) publish();
    },
    list: () => [...rows.values()].map((row) => row.entry),
    close() {
      open = false;
      reaper.stdin?.end('quit\n');
      rmSync(home.children, { force: true });
      rmSync(home.processes, { force: true });
      rmSync(home.stackEnv, { force: true });
    },
  };
}

function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return otherwise;
    throw error;
  }
}
