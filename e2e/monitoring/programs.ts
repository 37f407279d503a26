import { execFileSync } from 'node:child_process';

/** The programs of the Prometheus project that the proof needs; Debian's package `prometheus` brings both. */
const PROGRAMS = ['prometheus', 'promtool'] as const;
/** Older ones cannot put the environment into external labels, or name tests. */
const OLDEST = [2, 42] as const;

const HOW_TO_GET = `Install them with:
  apt-get install -y prometheus          (Debian, Ubuntu; as root)
  brew install prometheus                (macOS)
or put the binaries of a release of the Prometheus project (2.42 or newer) on the PATH.`;

/** Says which programs are missing or too old and how to get them; null when all are there. */
export function missingPrograms(): string | null {
  const problems = PROGRAMS.flatMap((program) => {
    const version = versionOf(program);
    if (version === null) return [`${program} was not found on the PATH.`];
    const [major, minor] = version;
    const isOld = major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]);
    return isOld ? [`${program} is ${version.join('.')}, at least ${OLDEST.join('.')} is needed.`] : [];
  });
  return problems.length === 0 ? null : `${problems.join('\n')}\n${HOW_TO_GET}`;
}

/** Major and minor version; null when the program does not run. */
export function versionOf(program: (typeof PROGRAMS)[number]): readonly [number, number] | null {
  try {
    const text = execFileSync(program, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    const [, major, minor] = /version (\d+)\.(\d+)/.exec(text) ?? [];
    return [Number(major ?? 0), Number(minor ?? 0)];
  } catch {
    return null; // not installed, or of another machine
  }
}

/** Runs promtool; its output, and whether it was content. */
export function promtool(args: readonly string[], cwd: string): { readonly passed: boolean; readonly output: string } {
  try {
    const output = execFileSync('promtool', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    return { passed: true, output };
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { readonly stdout?: string; readonly stderr?: string };
    return { passed: false, output: `${stdout}${stderr}` };
  }
}
