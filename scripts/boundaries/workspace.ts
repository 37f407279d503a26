import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { PackageFacts } from './rules.ts';

/** Reads the package.json files among `paths` (relative to `root`): the root's own and one per folder of packages/ and services/. Throws on one without a name. */
export function readPackages(root: string, paths: readonly string[]): readonly PackageFacts[] {
  return paths
    .filter((path) => /^((packages|services)\/[^/]+\/)?package\.json$/.test(path))
    .map((path) => {
      const manifest: unknown = JSON.parse(readFileSync(join(root, path), 'utf8'));
      if (!isRecord(manifest) || typeof manifest['name'] !== 'string') throw new Error(`${path}: has no name`);
      const folder = dirname(path);
      return {
        folder: folder === '.' ? '' : folder,
        name: manifest['name'],
        dependencies: keysOf(manifest['dependencies']),
        devDependencies: keysOf(manifest['devDependencies']),
      };
    });
}

/** Finds a circle in the packages' declared dependencies and returns it as a line such as `a → b → a`; null when there is none. */
export function findCircle(packages: readonly PackageFacts[]): string | null {
  const byName = new Map(packages.map((entry) => [entry.name, entry]));
  const clean = new Set<string>();
  const visit = (name: string, trail: readonly string[]): string | null => {
    if (trail.includes(name)) return [...trail.slice(trail.indexOf(name)), name].join(' → ');
    if (clean.has(name)) return null;
    for (const next of byName.get(name)?.dependencies ?? []) {
      const circle = byName.has(next) ? visit(next, [...trail, name]) : null;
      if (circle !== null) return circle;
    }
    clean.add(name);
    return null;
  };
  for (const name of byName.keys()) {
    const circle = visit(name, []);
    if (circle !== null) return circle;
  }
  return null;
}

function keysOf(value: unknown): ReadonlySet<string> {
  return new Set(isRecord(value) ? Object.keys(value) : []);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
