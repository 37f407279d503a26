import { once } from 'node:events';
import { connect } from 'node:net';
import type { ProcessEntry, Services } from '@full-sync/local-stack';
import type { System } from './system.ts';

type Process = Services['processes'][number];

/** A copy of a service; throws when the system has none. */
export function copyOf({ services }: System, name: string, copy = 1): Process {
  const found = services.processes.find(({ spec }) => spec.name === name && spec.copy === copy);
  if (found === undefined) throw new Error(`the system runs no ${name} ${copy}`);
  return found;
}

/** The pid of the process that answers `/readyz` with 200 now; null when there is none. */
export async function readyPid(process: Process): Promise<number | null> {
  const pid = process.pid();
  const url = process.spec.metricsUrl;
  if (pid === undefined || url === undefined) return null;
  const ready = await answersOk(url.replace(/\/metrics$/, '/readyz'));
  // It may have been another one by the time of the answer.
  return ready && process.pid() === pid ? pid : null;
}

/** Whether an address answers with a success within a second. */
export async function answersOk(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(1_000) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false; // nobody listens there, or not yet
  }
}

/** Whether the job runs as far as the api can say; false while the api does not answer. */
export async function isRunning({ client }: System, jobId: string): Promise<boolean> {
  try {
    return (await client.status(jobId)).status === 'in_progress';
  } catch {
    return false;
  }
}

/**
 * Ends a copy of a service at once if it is ready and the job is running; the pid that was hit, null when it was not to
 * be hit now.
 */
export async function strike(
  system: System,
  jobId: string,
  {
    name,
    copy = 1,
    signal = 'SIGKILL',
  }: { readonly name: string; readonly copy?: number; readonly signal?: NodeJS.Signals },
): Promise<number | null> {
  const target = copyOf(system, name, copy);
  if (!(await isRunning(system, jobId))) return null;
  const pid = await readyPid(target);
  if (pid === null) return null;
  system.expectEnd(name, copy);
  process.kill(pid, signal);
  return pid;
}

/** The process of a part of the stack or of a service, as the stack lists it now. */
export function listed({ stack }: System, name: string): ProcessEntry | undefined {
  return stack.processes().find((entry) => entry.name === name);
}

/** Whether something listens at a port. */
export async function accepts(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port, timeout: 1_000 });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
