import { parseArgs } from 'node:util';
import { createSender } from '@full-sync/http-client';
import {
  ConfigurationError,
  EnvironmentError,
  FullSyncError,
  exitCodeOf,
  httpUrlText,
  loadConfig,
  loadDotEnv,
  readableFileText,
  secretText,
  systemClock,
} from '@full-sync/runtime';
import Type from 'typebox';
import { createAttio, requestTimeoutMs } from './attio.ts';
import { allKeys, readKeys } from './keys.ts';
import { describeSetUp } from './describe-set-up.ts';
import { setUpWorkspace } from './set-up-workspace.ts';
import type { SetUp } from './set-up-workspace.ts';

/** `cli attio setup`: makes the attributes of all workspaces that a key is configured for, and says what is there. */
async function run(): Promise<number> {
  const { values: options } = parseArgs({
    options: {
      check: { type: 'boolean', default: false },
      activities: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  loadDotEnv();
  const config = loadConfig(
    Type.Object({
      ATTIO_API_KEY: Type.Optional(secretText()),
      ATTIO_BASE_URL: httpUrlText({ default: 'https://api.attio.com/v2' }),
      NAMESPACES_FILE: Type.Optional(readableFileText()),
    }),
  );
  const keys = allKeys(readKeys(config));
  if (keys.length === 0) {
    const message = 'expected a key of an Attio workspace, here or in NAMESPACES_FILE; it is not set';
    throw new ConfigurationError([{ name: 'ATTIO_API_KEY', message }]);
  }
  await using sender = createSender({
    baseUrl: config.ATTIO_BASE_URL,
    timeoutMs: requestTimeoutMs,
    maxConnections: 1,
    circuit: 'none',
  });
  const ends: SetUp[] = [];
  for (const key of keys) {
    ends.push(
      await setUpWorkspace(createAttio(sender, key), {
        clock: systemClock,
        create: !options.check,
        activities: options.activities,
      }),
    );
  }
  const { text, json, exitCode } = describeSetUp(ends);
  process.stdout.write(options.json ? `${JSON.stringify(json)}\n` : `${text}\n`);
  return exitCode;
}

try {
  process.exitCode = await run();
} catch (error) {
  if (error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 2;
  } else if (
    error instanceof FullSyncError ||
    error instanceof ConfigurationError ||
    error instanceof EnvironmentError
  ) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = exitCodeOf(error);
  } else throw error;
}
