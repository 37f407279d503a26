import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Pool } from 'pg';

/** The commands of a runbook that can be run anywhere: statements for Postgres, and calls of the command line tool. */
export interface RunbookCommands {
  readonly statements: readonly string[];
  readonly calls: readonly string[];
}

/** Reads them from the blocks of shell in Markdown, and from the text between back quotes. */
export function readCommands(markdown: string): RunbookCommands {
  const statements = [...markdown.matchAll(/psql "\$DATABASE_URL"[^\n]*?-[At]*c "([^"]+)"/g)].map(
    ([, sql]) => sql ?? '',
  );
  const calls = [...markdown.matchAll(/npm run cli -- ([^\n`|;#&)]+)/g)].map(([, words]) => (words ?? '').trim());
  return { statements: [...new Set(statements)], calls: [...new Set(calls)] };
}

/** Statements that Postgres refuses, a line each; they are run in a transaction that may only read. */
export async function statementProblems(pool: Pool, statements: readonly string[]): Promise<readonly string[]> {
  const problems: string[] = [];
  const client = await pool.connect();
  try {
    for (const sql of statements) {
      await client.query('begin read only');
      try {
        await client.query(sql);
      } catch (error) {
        problems.push(`docs/runbook.md: Postgres refuses "${sql.slice(0, 80)}": ${String(error)}`);
      } finally {
        await client.query('rollback');
      }
    }
  } finally {
    client.release();
  }
  return problems;
}

/** Calls of the command line tool that name a command or an option which it does not have, a line each. */
export async function callProblems(root: string, calls: readonly string[]): Promise<readonly string[]> {
  const run = promisify(execFile);
  const helps = new Map<string, string | null>();
  const helpOf = async (command: readonly string[]): Promise<string | null> => {
    const key = command.join(' ');
    const known = helps.get(key);
    if (known !== undefined) return known;
    const entry = join(root, 'packages', 'cli', 'src', 'main.ts');
    const help = await run(process.execPath, [entry, ...command, '--help']).then(
      ({ stdout }) => (stdout.includes(`-- ${key} `) ? stdout : null),
      () => null,
    );
    helps.set(key, help);
    return help;
  };
  const problems: string[] = [];
  for (const call of calls) {
    const words = call.split(/\s+/);
    const end = words.findIndex((word) => !/^[a-z][a-z-]*$/.test(word));
    const command = words.slice(0, end < 0 ? words.length : end);
    const help = await helpOf(command);
    if (help === null) problems.push(`docs/runbook.md: cli ${call}: there is no command ${command.join(' ')}`);
    const options = words.filter((word) => word.startsWith('--'));
    for (const option of options) {
      if (help !== null && !help.includes(`${option} `) && !help.includes(`${option}\n`))
        problems.push(`docs/runbook.md: cli ${call}: ${command.join(' ')} has no ${option}`);
    }
  }
  return problems;
}
