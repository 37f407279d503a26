/*
 * What every npm script runs: installs what is missing, then runs the command on the Node version that the install
 * brings. It must run on Node 20 with nothing installed, so it is plain JavaScript.
 */
import { spawn } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installIfNeeded } from './install.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = join(root, 'node_modules', '.bin');
const commands = {
  start: ['packages/local-stack/src/main.ts', 'start'],
  up: ['packages/local-stack/src/main.ts', 'up'],
  test: ['scripts/test.ts'],
  check: ['scripts/check.ts'],
  bench: ['bench/run.ts'],
  cli: ['packages/cli/src/main.ts'],
  drill: ['e2e/drill/main.ts'],
  generate: ['scripts/monitoring/write.ts'],
  'test:monitoring': ['e2e/monitoring/main.ts'],
};
/** How long a command may take to stop once its parent is gone, in ms: a drain (25 s) and the stack after it. */
const STOP_MS = 60_000;

const [name = '', ...args] = process.argv.slice(2);
if (!Object.hasOwn(commands, name)) {
  console.error(`usage: node scripts/run.mjs <${Object.keys(commands).join('|')}> [arguments]`);
  process.exit(2);
}

const parent = process.ppid;
/** @type {import('node:child_process').ChildProcess | undefined} */
let child;
let stopping = false;
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) {
  process.on(signal, () => {
    if (child === undefined) process.exit(1);
    child.kill(signal);
  });
}
setInterval(() => {
  if (process.ppid === parent || stopping) return;
  stopping = true;
  if (child === undefined) process.exit(1);
  child.kill('SIGTERM');
  setTimeout(() => child?.kill('SIGKILL'), STOP_MS).unref();
}, 250).unref();

try {
  const installed = await installIfNeeded(root, (installing) => {
    child = installing;
  });
  const [entry, ...before] = commands[name];
  const guard = join(root, 'scripts', 'die-with-parent.mjs');
  child = spawn(realpathSync(join(bin, 'node')), ['--import', guard, join(root, entry), ...before, ...args], {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...process.env,
      PATH: `${bin}${delimiter}${process.env.PATH ?? ''}`,
      ...(installed > 0 ? { FULL_SYNC_INSTALLED_BYTES: String(installed) } : {}),
    },
  });
  child.once('error', (error) => {
    console.error(`${name} could not be started: ${error.message}`);
    process.exit(3);
  });
  child.once('exit', (code, signal) => {
    // A shell says 128 plus the signal's number; the two that end a command from outside are enough to tell.
    process.exit(code ?? (signal === 'SIGINT' ? 130 : signal === 'SIGTERM' ? 143 : 137));
  });
} catch (error) {
  console.error(error.message);
  process.exit(3);
}
