/*
 * Ends what a stack started when its supervisor is gone, whatever way it went. It runs in a session of its own (no
 * Ctrl-C reaches it) and holds the reading end of a pipe: the end of that pipe is the supervisor's death. The lines
 * on it are the list of children, one whole list a line; `quit` ends the reaper without ending anything. Arguments:
 * the lock file of the home, and the records to remove when nothing runs any more.
 */
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { endProcesses } from './identity.ts';
import { lockHolder } from './lock.ts';
import { parseChildren, stagesOf, type ChildRef } from './children.ts';

const [lock = '', ...records] = process.argv.slice(2);
let children: readonly ChildRef[] = [];

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);

createInterface({ input: process.stdin })
  .on('line', (line) => {
    if (line === 'quit') process.exit(0);
    children = parseChildren(line);
  })
  .on('close', () => {
    void reap();
  });

async function reap(): Promise<void> {
  // Services before what they drain into: they saw the end of their own channel too and are draining already.
  for (const stage of stagesOf(children)) await endProcesses(stage, 8_000);
  // They would name processes and addresses that are gone; unless the next start has written its own meanwhile.
  if (lockHolder(lock) === undefined) for (const record of records) rmSync(record, { force: true });
  process.exit(0);
}
