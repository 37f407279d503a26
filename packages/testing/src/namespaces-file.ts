import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file for NAMESPACES_FILE; disposing of it deletes it. */
export type NamespacesFile = AsyncDisposable & { readonly path: string };

/** Writes what a test wants to have configured of namespaces. */
export async function writeNamespacesFile(entries: Readonly<Record<string, unknown>>): Promise<NamespacesFile> {
  const directory = await mkdtemp(join(tmpdir(), 'full-sync-namespaces-'));
  const path = join(directory, 'namespaces.json');
  await writeFile(path, JSON.stringify(entries));
  return { path, [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) };
}
