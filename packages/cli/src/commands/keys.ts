import { createApiKey, isScope, listApiKeys, revokeApiKey, scopes } from '@full-sync/database';
import type { ApiKey, Scope } from '@full-sync/database';
import type { Command } from 'commander';
import { withDatabase } from '../database.ts';
import { CliError, exitCodes } from '../errors.ts';
import { list } from '../format.ts';
import { printJson, printNote, printResult } from '../output.ts';
import { readSettings } from '../settings.ts';

/** Adds `keys create`, `keys list` and `keys revoke`; `done` takes the exit code. */
export function registerKeys(program: Command, done: (exitCode: number) => void): void {
  const keys = program.command('keys').description('make, list and revoke API keys (in the database itself)');
  const command = (name: string, description: string): Command =>
    keys.command(name).description(description).option('--json', 'print JSON only', false);
  command('create', 'make a key; it is shown once')
    .requiredOption('--name <name>', 'what it is for')
    .requiredOption('--scopes <list>', `comma list of ${scopes.join(', ')}`)
    .option('--expires <when>', '12h, 90d, 4w, or an ISO date or date-time (default: never)')
    .action(async (options: CreateKeyOptions) => {
      readSettings();
      done(await runCreateKey(options));
    });
  command('list', 'list the keys, without their secrets').action(async (options: { json: boolean }) => {
    readSettings();
    done(await runListKeys(options));
  });
  command('revoke <keyId>', 'end a key at once').action(async (keyId: string, options: { json: boolean }) => {
    readSettings();
    done(await runRevokeKey(keyId, options));
  });
}

interface CreateKeyOptions {
  readonly name: string;
  readonly scopes: string;
  readonly expires?: string;
  readonly json: boolean;
}

/** Makes an API key and shows it, this once: only its hash is kept. */
async function runCreateKey(options: CreateKeyOptions): Promise<number> {
  const name = options.name.trim();
  if (name === '' || name.length > 100) throw usage('--name', 'a name of 1 to 100 characters', options.name);
  const wanted = readScopes(options.scopes);
  const expiresAt = options.expires === undefined ? null : readExpiry(options.expires, Date.now());
  const { key, stored, first } = await withDatabase(async (db) => {
    const made = await createApiKey(db.pool, { name, scopes: wanted, expiresAt });
    return { ...made, first: (await listApiKeys(db.pool)).length === 1 };
  });
  if (options.json) {
    printJson({ key, ...shown(stored) });
    return exitCodes.completed;
  }
  const until = expiresAt === null ? 'until it is revoked' : `until ${expiresAt.toISOString()}`;
  printNote(`Key ${stored.keyId} "${name}" (${wanted.join(', ')}), valid ${until}. It is shown this once:`);
  printResult(key);
  if (first) printNote('It is the first: from now on the API answers only those who send a key.');
  return exitCodes.completed;
}

/** Lists all keys, without their secrets. */
async function runListKeys(options: { readonly json: boolean }): Promise<number> {
  const keys = await withDatabase(async (db) => await listApiKeys(db.pool));
  if (options.json) {
    printJson({ keys: keys.map(shown) });
    return exitCodes.completed;
  }
  if (keys.length === 0) {
    printResult('There are no API keys: the API is open, on loopback only.');
    return exitCodes.completed;
  }
  const now = Date.now();
  const rows = keys.map((key) => [
    key.keyId,
    key.name,
    stateOf(key, now),
    minute(key.createdAt),
    minute(key.expiresAt),
    minute(key.lastUsedAt),
    key.scopes.join(','),
  ]);
  printResult(list([['key', 'name', 'state', 'made', 'expires', 'last used', 'scopes'], ...rows]));
  return exitCodes.completed;
}

/** Revokes a key at once; `keyOrId` may be the whole key. */
async function runRevokeKey(keyOrId: string, options: { readonly json: boolean }): Promise<number> {
  const keyId = keyOrId.split('_')[1] ?? keyOrId;
  const key = await withDatabase(async (db) => await revokeApiKey(db.pool, keyId));
  if (key === null)
    throw new CliError(exitCodes.usage, 'There is no such API key.', 'List them with: npm run cli -- keys list');
  if (options.json) printJson(shown(key));
  else printResult(`Key ${key.keyId} "${key.name}" is revoked.`);
  return exitCodes.completed;
}

function readScopes(text: string): readonly Scope[] {
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const unknown = names.filter((name) => !isScope(name));
  if (names.length === 0 || unknown.length > 0)
    throw usage('--scopes', `a comma list of ${scopes.join(', ')}`, unknown.join(', '));
  return [...new Set(names)].filter(isScope);
}

const unitMs: Readonly<Record<string, number>> = { h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 };

/** `12h`, `90d`, `4w` from now, or an ISO date (its beginning, UTC) or date-time. */
function readExpiry(text: string, nowMs: number): Date {
  const [, count, unit = ''] = /^(\d{1,5})([hdw])$/.exec(text.trim()) ?? [];
  const isIso = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/.test(text.trim());
  const atMs =
    count === undefined ? (isIso ? Date.parse(text.trim()) : NaN) : nowMs + Number(count) * (unitMs[unit] ?? NaN);
  if (atMs > nowMs) return new Date(atMs);
  throw usage('--expires', 'a time to come, such as 12h, 90d, 4w, 2027-01-31 or 2027-01-31T12:00:00Z', text);
}

function usage(option: string, expected: string, got: string): CliError {
  return new CliError(exitCodes.usage, `${option}: expected ${expected}; got "${got}"`);
}

function shown(key: ApiKey): object {
  return {
    keyId: key.keyId,
    name: key.name,
    state: stateOf(key, Date.now()),
    scopes: key.scopes,
    created_at: key.createdAt,
    expires_at: key.expiresAt,
    revoked_at: key.revokedAt,
    last_used_at: key.lastUsedAt,
  };
}

function stateOf({ revokedAt, expiresAt }: ApiKey, nowMs: number): string {
  if (revokedAt !== null) return 'revoked';
  return expiresAt !== null && expiresAt.getTime() <= nowMs ? 'expired' : 'valid';
}

function minute(time: Date | null): string {
  return time === null ? '-' : time.toISOString().slice(0, 16).replace('T', ' ');
}
