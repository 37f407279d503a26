import { execFile } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { StackError } from './errors.ts';
import { codeOf } from './thrown.ts';

const run = promisify(execFile);

/** Whose rights PostgreSQL gets: ours, or, since it refuses to run as root, those of the system user `postgres`. */
export type PostgresUser = { readonly uid: number; readonly gid: number } | undefined;

/** The user to run PostgreSQL as; as root the system user `postgres` is made when it is missing. */
export async function postgresUser(): Promise<PostgresUser> {
  if (process.getuid?.() !== 0) return undefined;
  const known = await lookUp();
  if (known !== undefined) return known;
  try {
    await run('useradd', ['--system', '--user-group', '--no-create-home', '--shell', '/bin/false', 'postgres']);
  } catch (error) {
    throw new StackError(
      'PostgreSQL does not run as root, and the system user "postgres" could not be made with useradd',
      { cause: error },
    );
  }
  const made = await lookUp();
  if (made === undefined) throw new StackError('the system user "postgres" was made but cannot be found');
  return made;
}

async function lookUp(): Promise<PostgresUser> {
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', 'postgres']), run('id', ['-g', 'postgres'])]);
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  } catch {
    return undefined; // id exits with 1 for a user that does not exist
  }
}

/** Whether a user who is neither owner nor in the group can get to a path: every directory above lets others pass. */
function isReachable(path: string): boolean {
  for (let at = dirname(path); ; at = dirname(at)) {
    if ((statSync(at).mode & 0o001) === 0) return false;
    if (at === dirname(at)) return true;
  }
}

/**
 * The words to put before a PostgreSQL program so that it runs as `user`, although its files or its data lie below a
 * directory that is closed to others (a checkout in root's own home): the one right to pass is kept.
 * Empty when the plain change of user will do.
 */
export function crossing(user: PostgresUser, paths: readonly string[]): readonly string[] {
  if (user === undefined || paths.every(isReachable)) return [];
  const ids = [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups'];
  // Without the first of these access(2) would still judge by the real user, and initdb asks it.
  const rights = [
    '--securebits=+no_setuid_fixup',
    '--no-new-privs',
    '--inh-caps=-all,+dac_read_search,+dac_override',
    '--ambient-caps=-all,+dac_read_search,+dac_override',
  ];
  const setpriv = '/usr/bin/setpriv';
  try {
    accessSync(setpriv, constants.X_OK);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'EACCES') throw error;
    throw new StackError(
      'PostgreSQL does not run as root, and its own user cannot reach the checkout or FULL_SYNC_HOME. Move them to where others may pass (chmod o+x), or set DATABASE_URL.',
    );
  }
  return [setpriv, ...ids, ...rights, '--'];
}
