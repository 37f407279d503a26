import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { StackError } from './errors.ts';

const run = promisify(execFile);
const MINIMUM = 17;

/** The `java` to use: JAVA_HOME's, else the one on the PATH. Throws StackError when there is none or it is older than 17. */
export async function findJava(env: NodeJS.ProcessEnv): Promise<string> {
  const java = env['JAVA_HOME'] ? join(env['JAVA_HOME'], 'bin', 'java') : 'java';
  const howToGet =
    `The broker and the schema registry need Java ${MINIMUM} or newer: install it (Debian and Ubuntu: openjdk-17-jre-headless), ` +
    'or set KAFKA_BROKERS and SCHEMA_REGISTRY_URL to running ones, or start with --stack docker.';
  let printed: string;
  try {
    printed = (await run(java, ['-version'])).stderr;
  } catch (error) {
    throw new StackError(`no Java found (${java}). ${howToGet}`, { cause: error });
  }
  const major = Number(/version "(\d+)/.exec(printed)?.[1] ?? Number.NaN);
  if (major >= MINIMUM) return java;
  throw new StackError(`${java} is version ${major}. ${howToGet}`);
}
