import { readdirSync, readFileSync } from 'node:fs';

/**
 * Processor time of a process so far, seconds, all its threads together; from Linux' scheduler, to the nanosecond, so that
 * it can be asked of a process that does not show it itself.
 */
export function cpuSeconds(pid: number): number {
  const tasks = readdirSync(`/proc/${pid}/task`);
  const nanoseconds = tasks.map((task) => {
    const [running = ''] = readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ');
    return Number(running);
  });
  return nanoseconds.reduce((sum, one) => sum + one, 0) / 1e9;
}
