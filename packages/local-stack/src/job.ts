import { spawn } from 'node:child_process';
import { join } from 'node:path';

/**
 * Runs a full sync through the api, its events sent to the destinations as well, and follows it on the terminal; the exit code of the command line tool,
 * which is not 0 unless the job completed. It runs as a process of its own because that tool builds on this package.
 */
export function runMainJob(
  apiUrl: string,
  asked: { readonly platforms: readonly string[]; readonly destinations: readonly string[] },
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<number> {
  const root = join(import.meta.dirname, '..', '..', '..');
  const guard = join(root, 'scripts', 'die-with-parent.mjs');
  const entry = join(root, 'packages', 'cli', 'src', 'main.ts');
  const args = [
    '--import',
    guard,
    entry,
    'sync',
    '--platforms',
    asked.platforms.join(','),
    ...(asked.destinations.length > 0 ? ['--destinations', asked.destinations.join(',')] : []),
    '--mode',
    'full_historical',
    '--watch',
  ];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit', env: { ...env, API_URL: apiUrl } });
    const stop = (): void => {
      child.kill('SIGTERM');
    };
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    child.once('error', reject);
    child.once('exit', (code) => {
      signal.removeEventListener('abort', stop);
      resolve(code ?? 1);
    });
  });
}
