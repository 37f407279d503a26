import { accessSync, constants } from 'node:fs';
import { chmod, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** Where a program is. Throws with how to get it when it is missing: a snippet that cannot run must not pass. */
export function programAt(name: string): string {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      continue;
    }
  }
  throw new Error(
    `the guide's snippets need ${name}, which is not on this machine: apt-get install ${name}, or brew install ${name}`,
  );
}

/**
 * Writes the programs that stand in for what a test cannot wait for or does not have, into `folder/bin`:
 * `sleep` ends when no job runs, `watch` runs its command once, `jq` is jq and keeps its results for `readResults`,
 * and the scripts of the guide's crontab start the sync that their arguments name.
 */
export async function writeStandIns(
  folder: string,
  { host, idleUrl, apiKey }: { readonly host: string; readonly idleUrl: string; readonly apiKey: string | null },
): Promise<void> {
  const bin = join(folder, 'bin');
  await mkdir(join(folder, 'results'), { recursive: true });
  await mkdir(bin, { recursive: true });
  const curl = programAt('curl');
  const key = apiKey === null ? '' : `-H 'Authorization: Bearer ${apiKey}' `;
  const sync = `${curl} -sS ${key}${host}/api/full-sync/execute -d '{"platforms":"smartlead,lemlist","namespaces":"'"$1"'","syncMode":"'"$2"'"}'`;
  const programs: Readonly<Record<string, string>> = {
    sleep: `${curl} -fsS ${idleUrl}`,
    watch: 'exec bash -eo pipefail -c "${@: -1}"',
    jq: `set -o pipefail; kept=$(mktemp "${folder}/results/XXXXXX"); printf '%s' "\${@: -1}" > "$kept.filter"; ${programAt('jq')} "$@" | tee "$kept.result"; `,
    'sync.sh': sync,
    'daily-sync.sh': sync,
  };
  for (const [name, text] of Object.entries(programs)) {
    await writeFile(join(bin, name), `#!/usr/bin/env bash\n${text}\n`);
    await chmod(join(bin, name), 0o755);
  }
}

/** What is wrong with the results of jq so far, a line each; and how many there were. */
export async function readResults(
  folder: string,
): Promise<{ readonly count: number; readonly faults: readonly string[] }> {
  const results = join(folder, 'results');
  const names = (await readdir(results)).filter((name) => name.endsWith('.filter'));
  const faults: string[] = [];
  for (const name of names) {
    const filter = await readFile(join(results, name), 'utf8');
    const result = await readFile(join(results, name.replace('.filter', '.result')), 'utf8');
    const fault = faultOf(filter, result);
    if (fault !== null) faults.push(`jq '${filter}': ${fault}; it gave\n${result}`);
  }
  return { count: names.length, faults };
}

/** A result must not be null, nor a member that the filter itself has named: what the filter took out must be there. */
function faultOf(filter: string, result: string): string | null {
  if (result.trim() === '') return 'no result';
  if (/^null$/m.test(result)) return 'a result is null';
  const named = [...filter.matchAll(/(\w+):/g)].map(([, name = '']) => name);
  const empty = named.find((name) => !new RegExp(`^ *"${name}": (?!null)`, 'm').test(result));
  if (empty !== undefined) return `${empty} is missing`;
  const nothing = named.find((name) => new RegExp(`^ *"${name}": null,?$`, 'm').test(result));
  return nothing === undefined ? null : `${nothing} is null`;
}
