import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { until } from './until.ts';
import { codeOf } from './thrown.ts';

/**
 * A text that is the same as long as `pid` is the same process: its start time as the system records it
 * (clock ticks since boot on Linux, `lstart` of ps elsewhere). Undefined when there is no such process, or only a zombie.
 */
export function identityOf(pid: number): string | undefined {
  if (process.platform !== 'linux') return identityFromPs(pid);
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the command in brackets and may itself hold spaces and brackets.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ESRCH') return undefined;
    throw error;
  }
}

function identityFromPs(pid: number): string | undefined {
  try {
    const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    return line === '' || line.startsWith('Z') ? undefined : line.slice(line.indexOf(' ')).trim();
  } catch {
    return undefined; // ps exits with 1 when there is no such process
  }
}

/** A process that may outlive whoever noted it: `identity` guards against another process having got its pid. */
export type ProcessRef = { readonly pid: number; readonly identity: string };

/** Whether the very process that was noted still runs. */
export function isRunning(ref: ProcessRef): boolean {
  return identityOf(ref.pid) === ref.identity;
}

/** Sends a signal to the noted process if it still runs; false when it was gone. */
export function signalProcess(ref: ProcessRef, signal: NodeJS.Signals): boolean {
  if (!isRunning(ref)) return false;
  try {
    return process.kill(ref.pid, signal);
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return false;
    throw error;
  }
}

/** Ends the noted processes with their signal, and with SIGKILL those still there after `graceMs`; those that ran. */
export async function endProcesses<Ref extends ProcessRef & { readonly stopSignal: NodeJS.Signals }>(
  refs: readonly Ref[],
  graceMs: number,
): Promise<readonly Ref[]> {
  const signalled = refs.filter((ref) => signalProcess(ref, ref.stopSignal));
  if (await until(() => !signalled.some(isRunning), graceMs)) return signalled;
  for (const ref of signalled) signalProcess(ref, 'SIGKILL');
  await until(() => !signalled.some(isRunning), 5_000);
  return signalled;
}
