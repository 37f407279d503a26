import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, linkSync, lstatSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const PNPM = 'pnpm@12.21.0';

/** A hash of all that decides what is installed: the lockfile, the patches and every package.json of the workspace. */
function fingerprint(root) {
  const inDirectory = (name) => (existsSync(join(root, name)) ? readdirSync(join(root, name)).sort() : []);
  const members = ['packages', 'services'].flatMap((group) =>
    inDirectory(group).map((name) => join(group, name, 'package.json')),
  );
  const patches = inDirectory('patches').map((name) => join('patches', name));
  const hash = createHash('sha256');
  for (const file of ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml', ...members, ...patches]) {
    if (existsSync(join(root, file)))
      hash
        .update(`${file}\0`)
        .update(readFileSync(join(root, file)))
        .update('\0');
  }
  return hash.digest('hex');
}

/** The bytes below a directory, links not followed and hard links counted once. */
function sizeOf(directory) {
  if (!existsSync(directory)) return 0;
  const seen = new Set();
  let total = 0;
  for (const entry of readdirSync(directory, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const { ino, size } = lstatSync(join(entry.parentPath ?? entry.path, entry.name));
    if (seen.has(ino)) continue;
    seen.add(ino);
    total += size;
  }
  return total;
}

/** @param {number} bytes */
function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}

/**
 * @param {string} root
 * @param {(child: import('node:child_process').ChildProcess | undefined) => void} onChild
 */
function runPnpm(root, onChild) {
  return new Promise((resolve, reject) => {
    // To stderr, all of it: what the command itself prints on stdout may be read by a program.
    const child = spawn('npx', ['-y', PNPM, 'install', '--frozen-lockfile', '--loglevel=error'], {
      cwd: root,
      stdio: ['ignore', process.stderr, process.stderr],
      env: { ...process.env, CI: 'true' },
    });
    onChild(child);
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      onChild(undefined);
      if (code === 0) resolve();
      else reject(new Error(`installing failed (${signal ?? `exit code ${code}`}); the lines above say why`));
    });
  });
}

function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Waits for its turn among commands that start at the same time on a fresh checkout; the function gives the turn on. */
async function takeTurn(root) {
  const lock = join(tmpdir(), `full-sync-install-${createHash('sha256').update(root).digest('hex').slice(0, 16)}`);
  const own = `${lock}.${process.pid}`;
  writeFileSync(own, String(process.pid));
  try {
    for (let waited = 0; ; waited += 1) {
      try {
        linkSync(own, lock);
        return () => rmSync(lock, { force: true });
      } catch (error) {
        if (error.code !== 'EEXIST') throw error;
      }
      const holder = existsSync(lock) ? Number(readFileSync(lock, 'utf8')) : Number.NaN;
      if (!isAlive(holder)) rmSync(lock, { force: true });
      else if (waited === 0) console.error(`waiting for process ${holder}, which is installing`);
      await sleep(200);
    }
  } finally {
    rmSync(own, { force: true });
  }
}

/**
 * Installs the dependencies when they are not what the lockfile and the manifests ask for; the bytes added, 0 when
 * nothing was to do (found in milliseconds). `onChild` is told the installing process while there is one. Throws when
 * pnpm fails.
 *
 * @param {string} root
 * @param {(child: import('node:child_process').ChildProcess | undefined) => void} onChild
 */
export async function installIfNeeded(root, onChild) {
  const modules = join(root, 'node_modules');
  const marker = join(modules, '.full-sync-installed');
  const wanted = fingerprint(root);
  const isDone = () => existsSync(marker) && readFileSync(marker, 'utf8') === wanted;
  if (isDone()) return 0;
  const giveTurn = await takeTurn(root);
  try {
    if (isDone()) return 0;
    console.error('installing dependencies');
    const before = sizeOf(modules);
    const startedAt = performance.now();
    const progress = setInterval(() => {
      console.error(`dependencies: ${megabytes(sizeOf(modules) - before)} so far`);
    }, 5_000);
    try {
      await runPnpm(root, onChild);
    } finally {
      clearInterval(progress);
    }
    const bytes = Math.max(0, sizeOf(modules) - before);
    writeFileSync(marker, wanted);
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    console.error(`dependencies are installed: ${megabytes(bytes)} added in ${seconds} s`);
    return bytes;
  } finally {
    giveTurn();
  }
}
