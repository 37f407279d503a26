import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isTestFile, listFiles } from './source-files.ts';

const LONGEST = 400;

/** Source files (tests excepted) of more than 400 lines below `root`, a line each for a person: what is longer does two things. */
export function checkLengths(root: string): { readonly checked: number; readonly problems: readonly string[] } {
  const sources = listFiles(root).filter((path) => /\.[cm]?[jt]sx?$/.test(path) && !isTestFile(path));
  const problems = sources.flatMap((path) => {
    const lines = readFileSync(join(root, path), 'utf8').trimEnd().split('\n').length;
    return lines > LONGEST
      ? [`${path}: ${lines} lines, at most ${LONGEST} are allowed: split it by what changes together`]
      : [];
  });
  if (sources.length === 0) problems.push('no source file was found');
  return { checked: sources.length, problems };
}

if (import.meta.main) {
  const { checked, problems } = checkLengths(join(import.meta.dirname, '..'));
  for (const problem of problems) console.error(problem);
  console.log(`${checked} files, ${problems.length} problems`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
