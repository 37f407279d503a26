import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';

type Step = { readonly name: string; readonly command: string; readonly args: readonly string[] };
type Outcome = { readonly passed: boolean; readonly output: string };

const root = join(import.meta.dirname, '..');

/** All steps, the longest first, so that the short ones fill the second core. */
function allSteps(): readonly Step[] {
  const tool = (name: string, bin: string, ...args: readonly string[]): Step => {
    return { name, command: join(root, 'node_modules', '.bin', bin), args };
  };
  const script = (name: string, file: string): Step => {
    return { name, command: process.execPath, args: [join(import.meta.dirname, file)] };
  };
  return [
    tool('lint', 'oxlint', '--format', 'unix', '.'),
    tool('format', 'prettier', '--check', '--log-level', 'warn', '--cache', '--cache-strategy', 'content', '.'),
    tool('types', 'tsc', '--noEmit', '--pretty', 'false', '-p', 'tsconfig.json'),
    tool('unused', 'knip', '--no-progress', '--no-config-hints'),
    script('boundaries', 'check-boundaries.ts'),
    script('lengths', 'check-lengths.ts'),
    script('marks', 'check-marks.ts'),
    script('monitoring', 'check-monitoring.ts'),
    script('compose', 'check-compose.ts'),
  ];
}

function run({ command, args }: Step): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const collect = (chunk: Buffer): void => {
      output += chunk.toString();
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('error', (error) => resolve({ passed: false, output: `${command} cannot be started: ${error.message}` }));
    child.on('close', (code) => resolve({ passed: code === 0, output: output.trimEnd() }));
  });
}

/** Runs the named steps (all when none is named), a line and, on failure, the output of each; true when all passed. Throws on an unknown name. */
async function check(wanted: readonly string[]): Promise<boolean> {
  const steps = allSteps();
  const unknown = wanted.filter((name) => !steps.some((step) => step.name === name));
  if (unknown.length > 0) {
    throw new Error(`no such step: ${unknown.join(', ')}; there are: ${steps.map((step) => step.name).join(', ')}`);
  }
  const waiting = steps.filter((step) => wanted.length === 0 || wanted.includes(step.name));
  const failed: string[] = [];
  const work = async (): Promise<void> => {
    for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) {
      const startedAt = performance.now();
      const { passed, output } = await run(step);
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
      console.log(`${passed ? 'ok  ' : 'FAIL'} ${step.name.padEnd(10)} ${seconds.padStart(5)} s`);
      if (passed) continue;
      console.log(output.replaceAll(/^/gm, '     '));
      failed.push(step.name);
    }
  };
  await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, work));
  console.log(failed.length === 0 ? 'check: everything is in order' : `check: failed: ${failed.join(', ')}`);
  return failed.length === 0;
}

process.exitCode = (await check(process.argv.slice(2))) ? 0 : 1;
