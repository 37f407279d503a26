import { isAbsolute, relative, resolve, sep } from 'node:path';

/** The kinds of test files, in the order in which they run. */
export const KINDS = ['unit', 'integration', 'fault', 'e2e'] as const;

export type Kind = (typeof KINDS)[number];

/** What is to be run, by kind; every file in exactly one place. */
export type Selection = ReadonlyMap<Kind, readonly string[]>;

const HOMES = /^(?:(?:packages|services)\/[^/]+\/(?:src|test)|scripts|bench|e2e)\//;

/** The kind of a test file by its path, null for a file that is none. */
function kindOf(path: string): Kind | null {
  if (!path.endsWith('.test.ts')) return null;
  if (path.startsWith('e2e/')) return 'e2e';
  if (path.endsWith('.integration.test.ts')) return 'integration';
  return path.endsWith('.fault.test.ts') ? 'fault' : 'unit';
}

/** Files that look like tests and would never run: a wrong ending, or a place where nobody looks. A line each, empty when there are none. */
export function findStrays(paths: readonly string[]): readonly string[] {
  return paths
    .filter((path) => /\.(?:test|spec)\.[cm]?[jt]sx?$/.test(path))
    .flatMap((path) => {
      if (kindOf(path) === null) return [`${path}: looks like a test, but only *.test.ts is run`];
      return HOMES.test(path) ? [] : [`${path}: a test outside the folders that have tests`];
    });
}

/**
 * Picks from `files` (relative to the root) what the words on the command line ask for: kinds, files and folders, all when there are none.
 * Throws on a word that selects nothing: a typing error must not look like success.
 */
export function selectTests(files: readonly string[], words: readonly string[], root: string): Selection {
  const tests = files.filter((path) => kindOf(path) !== null && HOMES.test(path));
  if (tests.length === 0) throw new Error('there is no test file at all');
  const kinds = words.filter(isKind);
  const places = words.filter((word) => !isKind(word)).map((word) => relativeTo(root, word));
  for (const place of places) {
    if (!tests.some((path) => isWithin(path, place))) throw new Error(`no test file is or lies below "${place}"`);
  }
  for (const kind of kinds) {
    if (!tests.some((path) => kindOf(path) === kind)) throw new Error(`there is no ${kind} test`);
  }
  const chosen = tests.filter((path) => {
    const byPlace = places.length === 0 || places.some((place) => isWithin(path, place));
    return byPlace && (kinds.length === 0 || kinds.some((kind) => kindOf(path) === kind));
  });
  if (chosen.length === 0) throw new Error(`no test file is both: ${words.join(' and ')}`);
  return new Map(KINDS.map((kind) => [kind, chosen.filter((path) => kindOf(path) === kind)]));
}

function isKind(word: string): word is Kind {
  return KINDS.some((kind) => kind === word);
}

function isWithin(path: string, place: string): boolean {
  return path === place || path.startsWith(`${place}/`);
}

function relativeTo(root: string, word: string): string {
  const path = relative(root, isAbsolute(word) ? word : resolve(root, word));
  return path.split(sep).join('/');
}
