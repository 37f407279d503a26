import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { httpUrlText, loadConfig, loadDotEnv, secretText } from '@full-sync/runtime';
import Type from 'typebox';

export interface Settings {
  /** Without a slash at the end. */
  readonly apiUrl: string;
  /** Sent to the API; null: none is needed, or the API will say so. */
  readonly apiKey: string | null;
  /** Where the local stack keeps its state; its files need not exist. */
  readonly home: string;
  readonly stackEnv: string;
  readonly hasStackEnv: boolean;
  readonly hasDatabase: boolean;
}

const root = join(import.meta.dirname, '..', '..', '..');
const defaultApiUrl = 'http://127.0.0.1:3000';

/**
 * What the tool reads besides the addresses of the parts.
 *
 * @public read by the test of .env.example
 */
export const configSchema = Type.Object({
  API_URL: httpUrlText({ default: defaultApiUrl }),
  API_KEY: Type.Optional(secretText()),
});

/**
 * Where the API and its parts are: the environment wins, then `.env`, then the `stack.env` that a running local stack
 * has written, then the defaults.
 *
 * @throws ConfigurationError for a wrong value.
 */
export function readSettings(): Settings {
  loadDotEnv();
  const { FULL_SYNC_HOME } = loadConfig(
    Type.Object({ FULL_SYNC_HOME: Type.String({ default: join(root, '.full-sync') }) }),
  );
  const stackEnv = join(FULL_SYNC_HOME, 'stack.env');
  loadDotEnv(stackEnv);
  const config = loadConfig(Type.Object({ ...configSchema.properties, DATABASE_URL: Type.String({ default: '' }) }));
  return {
    apiUrl: config.API_URL.replace(/\/+$/, ''),
    apiKey: config.API_KEY ?? null,
    home: FULL_SYNC_HOME,
    stackEnv,
    hasStackEnv: existsSync(stackEnv),
    hasDatabase: config.DATABASE_URL !== '',
  };
}

/** A path as it is best typed from here. */
export function shortPath(path: string): string {
  const fromHere = relative(process.cwd(), path);
  return fromHere.startsWith('..') ? path : fromHere;
}
