import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

/** What the Dockerfile makes, as a directory: its files, its environment, and what it runs. */
export interface Image extends Disposable {
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
  readonly entrypoint: readonly string[];
}

/**
 * Copies what the Dockerfile copies, less what .dockerignore leaves out, so that a file which the image would lack is lacking
 * here as well. The installed packages are this checkout's, development ones among them: that a package is declared where it is
 * used is the boundary checker's to see.
 */
export function buildImage(root: string): Image {
  const lines = readFileSync(join(root, 'Dockerfile'), 'utf8')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n');
  const ignored = readFileSync(join(root, '.dockerignore'), 'utf8').split('\n').filter(Boolean).map(toPattern);
  const directory = mkdtempSync(join(tmpdir(), 'full-sync-image-'));
  const isKept = (source: string): boolean => {
    const path = relative(root, source);
    return path.includes('node_modules') || !ignored.some((pattern) => pattern.test(path));
  };
  for (const line of lines) {
    const words = line.startsWith('COPY ') ? line.split(/\s+/).slice(1) : [];
    if (words.some((word) => word.startsWith('--'))) continue;
    const to = words.at(-1) ?? '';
    for (const from of words.slice(0, -1)) {
      const place = to.endsWith('/') ? join(to, from) : to;
      cpSync(join(root, from), join(directory, place), { recursive: true, verbatimSymlinks: true, filter: isKept });
    }
  }
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'));
  const defaults = new Map(
    lines.flatMap((line) => [...line.matchAll(/^ARG (\w+)=(\S*)/g)].map(([, name, value]) => [name, value])),
  );
  const expanded = (text: string): string =>
    text.replaceAll(/\$(\w+)/g, (reference, name: string) => defaults.get(name) ?? reference);
  const env = lines
    .filter((line) => line.startsWith('ENV '))
    .flatMap((line) => [...line.matchAll(/(\w+)=(?:"([^"]*)"|(\S+))/g)])
    .map(([, name = '', quoted, bare]) => [name, expanded(quoted ?? bare ?? '')] as const);
  const entrypoint = lines.find((line) => line.startsWith('ENTRYPOINT '))?.slice('ENTRYPOINT '.length) ?? '[]';
  return {
    directory,
    env: Object.fromEntries(env),
    entrypoint: JSON.parse(entrypoint) as readonly string[],
    [Symbol.dispose]: () => rmSync(directory, { recursive: true }),
  };
}

function toPattern(line: string): RegExp {
  const escaped = line
    .replaceAll('.', '\\.')
    .replaceAll('**/', '(?:.*/)?')
    .replaceAll(/(?<!\.)\*/g, '[^/]*');
  return new RegExp(`^${escaped}(?:/|$)`);
}
