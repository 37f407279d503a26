import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

const PASSED_OVER: ReadonlySet<string> = new Set(['node_modules', '.git', '.full-sync']);

/** Every file below `root` as a sorted path relative to it with `/` between parts; installed packages, git's and the local stack's own files left out. */
export function listFiles(root: string): readonly string[] {
  const found: string[] = [];
  const walk = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (PASSED_OVER.has(entry.name)) continue;
      const path = join(folder, entry.name);
      if (entry.isDirectory()) walk(path);
      else if (entry.isFile()) found.push(relative(root, path).split(sep).join('/'));
    }
  };
  walk(root);
  return found.toSorted();
}

/**
 * The files whose name matches `pattern` (a shell pattern such as `*.ts`), listed by `find` and not by us: a checker compares
 * its own list with this one, so that a mistake in walking or matching shows as a difference and not as silence.
 */
export function listIndependently(root: string, pattern: string): readonly string[] {
  const prune = [...PASSED_OVER].flatMap((name, index) => (index === 0 ? ['-name', name] : ['-o', '-name', name]));
  const args = ['.', '(', ...prune, ')', '-prune', '-o', '-type', 'f', '-name', pattern, '-print'];
  const output = execFileSync('find', args, { cwd: root, encoding: 'utf8', maxBuffer: 64 << 20 });
  return output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.slice(2))
    .toSorted();
}

/** Says which files are in one list and not in the other, a line each; empty when both hold the same. */
export function compareListings(ours: readonly string[], independent: readonly string[]): readonly string[] {
  const seen = new Set(ours);
  const exist = new Set(independent);
  return [
    ...independent.filter((path) => !seen.has(path)).map((path) => `${path}: exists on disk but was not checked`),
    ...ours.filter((path) => !exist.has(path)).map((path) => `${path}: was checked but is not on disk`),
  ];
}

/** True for code that only tests run: `*.test.ts` beside the source, and everything in `test/` and `e2e/`. */
export function isTestFile(path: string): boolean {
  return path.endsWith('.test.ts') || /(^|\/)(test|e2e)\//.test(path);
}
