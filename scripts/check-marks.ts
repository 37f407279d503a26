import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { listFiles } from './source-files.ts';

type Mark = {
  readonly pattern: RegExp;
  readonly why: string;
  /** Which files it is looked for in; all text files when absent. */
  readonly only?: (path: string) => boolean;
};

const isCode = (path: string): boolean => /\.[cm]?[jt]sx?$/.test(path);
const isLockfile = (path: string): boolean => /(^|\/)(pnpm-lock\.yaml|package-lock\.json|yarn\.lock)$/.test(path);

/** The words are put together from parts, so that this file does not accuse itself. */
const word = (...parts: readonly string[]): string => parts.join('');

const MARKS: readonly Mark[] = [
  {
    pattern: new RegExp(`\\b(${word('TO', 'DO')}|${word('FIX', 'ME')}|${word('X', 'XX')}|${word('HA', 'CK')})\\b`),
    why: 'unfinished work belongs in an issue',
  },
  {
    pattern: new RegExp(`@ts-(${word('ig', 'nore')}|${word('no', 'check')}|${word('expect-', 'error')})`),
    why: 'the compiler is right: state the type',
    only: isCode,
  },
  {
    pattern: /\b(?:test|it|describe|suite|t|context)\.(?:skip|only|todo)\b|\b(?:skip|only|todo):\s*(?:true|['"`])/,
    why: 'a test is run or it is deleted',
    only: isCode,
  },
  {
    pattern: /^\s*(?:resolution|registry):.*\bhttps?:\/\/|\btarball:/,
    why: 'the lockfile names versions and checksums, never a host',
    only: isLockfile,
  },
  {
    pattern:
      /\/\/(?:registry|repo\d*|packages|files|static|proxy|pypi|npm)\.(?!example\b)[\w-]+\.(?:org|com|io|net|dev)\b/,
    why: 'a registry is configured on the machine, not in the product',
    only: (path) => !isLockfile(path),
  },
  {
    pattern: /(?:^|[^\w./$}-])(?:\/(?:home\/(?!node\b)|Users\/|root\/|work\/)[\w.]|[A-Z]:\\\\?Users\\)/,
    why: 'a path of one machine means nothing on another',
    only: (path) => !isLockfile(path),
  },
  { pattern: /^(?:<{7}|>{7}) /, why: 'a merge was not finished' },
];

/** Copies of texts that are not ours to change. */
const VERBATIM: ReadonlySet<string> = new Set(['docs/usage-guide.md']);
const BINARY = /\.(?:png|jpe?g|gif|ico|woff2?|gz|tgz|jar|pdf)$/;

/** The lines of `text` that carry a mark nobody should commit, each with why not. `path` decides which marks are looked for. */
export function findMarks(path: string, text: string): readonly string[] {
  const marks = MARKS.filter(({ only }) => only === undefined || only(path));
  return text.split('\n').flatMap((line, index) => {
    return marks.flatMap(({ pattern, why }) => {
      const found = pattern.exec(line)?.[0].trim();
      return found === undefined ? [] : [`${path}:${index + 1}: "${found}": ${why}`];
    });
  });
}

if (import.meta.main) {
  const root = join(import.meta.dirname, '..');
  const files = listFiles(root).filter(
    (path) => !VERBATIM.has(path) && !BINARY.test(path) && basename(path) !== '.env',
  );
  const problems = files.flatMap((path) => findMarks(path, readFileSync(join(root, path), 'utf8')));
  for (const problem of problems) console.error(problem);
  console.log(`${files.length} files, ${problems.length} problems`);
  process.exitCode = problems.length === 0 && files.length > 0 ? 0 : 1;
}
