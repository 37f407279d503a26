import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readModule } from './boundaries/module-facts.ts';
import { checkModule } from './boundaries/rules.ts';
import { findCircle, readPackages } from './boundaries/workspace.ts';
import { compareListings, listFiles, listIndependently } from './source-files.ts';

/** What a run of the checker found; `problems` are lines for a person, empty when all is well. */
export type BoundaryReport = { readonly checked: number; readonly problems: readonly string[] };

/**
 * Checks every TypeScript and JavaScript module below `root` against the arrows of CONTRIBUTING.md. A file that exists but was not
 * checked is a problem like any other, and so is a tree without modules.
 */
export function checkBoundaries(root: string, files: readonly string[] = listFiles(root)): BoundaryReport {
  const sources = files.filter(isSource);
  const packages = readPackages(root, files);
  const problems = sources.flatMap((path) => {
    const module = readModule(path, readFileSync(join(root, path), 'utf8'));
    return checkModule(module, packages).map(({ line, rule, message }) => `${path}:${line}: ${message} [${rule}]`);
  });
  const circle = findCircle(packages);
  if (circle !== null) problems.push(`the dependencies of the packages go in a circle: ${circle}`);
  const onDisk = listIndependently(root, '*.*[jt]s*').filter(isSource);
  problems.push(...compareListings(sources, onDisk));
  if (sources.length === 0) problems.push('no source file was found');
  return { checked: sources.length, problems };
}

function isSource(path: string): boolean {
  return /\.[cm]?[jt]sx?$/.test(path);
}

if (import.meta.main) {
  const { checked, problems } = checkBoundaries(join(import.meta.dirname, '..'));
  for (const problem of problems) console.error(problem);
  console.log(`${checked} modules, ${problems.length} problems`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
