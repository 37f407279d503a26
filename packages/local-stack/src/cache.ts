import { mkdirSync, readdirSync, renameSync, rmSync, statSync, existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { StackError } from './errors.ts';
import { lockHolder, tryLock } from './lock.ts';
import { until } from './until.ts';

/** How long another first start may take to fetch a part before we give up on it, in ms. */
const OTHERS_FETCH_MS = 15 * 60_000;

/** Where downloaded programs are kept between checkouts: `$XDG_CACHE_HOME/full-sync`, else `~/.cache/full-sync`. */
function cacheRoot(env: NodeJS.ProcessEnv): string {
  return join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'full-sync');
}

export type Download = {
  /** The directory's name in the cache; holds the version, since what is in the cache is never changed. */
  readonly name: string;
  /** What is fetched, for people. */
  readonly title: string;
  /** A directory outside the cache that grows while it comes, to show how far it is. */
  readonly comesBy?: string;
  /** Fills an empty directory. */
  readonly fetch: (directory: string, signal: AbortSignal) => Promise<void>;
};

/** The size of all files below a directory, in bytes; 0 when it is not there. Files may come and go meanwhile. */
function sizeOf(directory: string): number {
  if (!existsSync(directory)) return 0;
  let total = 0;
  for (const entry of readdirSync(directory, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) total += statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0;
  }
  return total;
}

/** Whether a download is in the cache. */
export function isCached(download: Download, env: NodeJS.ProcessEnv): boolean {
  return existsSync(join(cacheRoot(env), download.name));
}

/** Bytes in megabytes, for people. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(bytes < 10_000_000 ? 1 : 0)} MB`;
}

/**
 * The directory of a cached download, fetched first if it is not there. It appears in one step (another directory,
 * then a rename), and of several first starts one fetches while the others wait. `onFetched` is told the bytes added.
 */
export async function cached(
  download: Download,
  options: {
    readonly env: NodeJS.ProcessEnv;
    readonly log: (line: string) => void;
    readonly signal: AbortSignal;
    readonly onFetched?: (bytes: number) => void;
  },
): Promise<string> {
  const root = cacheRoot(options.env);
  const final = join(root, download.name);
  if (existsSync(final)) return final;
  mkdirSync(root, { recursive: true });
  const lockPath = join(root, `${download.name}.lock`);
  let lock = tryLock(lockPath);
  if (lock === undefined) {
    options.log(`${download.title}: process ${lockHolder(lockPath)?.pid ?? ''} is fetching it, waiting`);
    await until(() => options.signal.aborted || (lock = tryLock(lockPath)) !== undefined, OTHERS_FETCH_MS, 200);
    if (lock === undefined)
      throw new StackError(`${download.title} is being fetched by another process for too long (${lockPath})`);
  }
  try {
    if (existsSync(final)) return final;
    const partial = join(root, `${download.name}.partial`);
    rmSync(partial, { recursive: true, force: true });
    mkdirSync(partial, { recursive: true });
    options.log(`${download.title}: fetching`);
    const started = performance.now();
    const grown = (): number => sizeOf(partial) + (download.comesBy === undefined ? 0 : sizeOf(download.comesBy));
    const before = grown();
    const progress = setInterval(() => {
      options.log(`${download.title}: ${megabytes(grown() - before)} so far`);
    }, 2_000);
    try {
      await download.fetch(partial, options.signal);
    } finally {
      clearInterval(progress);
    }
    const bytes = sizeOf(partial);
    renameSync(partial, final);
    options.log(`${download.title}: ${megabytes(bytes)} in ${((performance.now() - started) / 1_000).toFixed(1)} s`);
    options.onFetched?.(bytes);
    return final;
  } finally {
    lock?.release();
  }
}
