import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promtool } from './programs.ts';

/** A file of deploy/prometheus with one text replaced, and what promtool has to say to it. */
interface Broken {
  readonly what: string;
  readonly file: string;
  readonly from: RegExp;
  readonly to: string;
  readonly check: keyof typeof CHECKS;
  readonly says: RegExp;
}

const CHECKS = {
  configuration: ['check', 'config', 'prometheus.yml'],
  rules: ['check', 'rules', 'rules/full-sync.yml'],
  'tests of the rules': ['test', 'rules', 'tests/full-sync.yml'],
} as const;

const BROKEN: readonly Broken[] = [
  {
    what: 'a configuration that reads rules which are not there',
    file: 'prometheus.yml',
    from: /rules\/\*\.yml/,
    to: 'rulez/alerts.yml',
    check: 'configuration',
    says: /does not point to an existing file/,
  },
  {
    what: 'a rule whose expression is none',
    file: 'rules/full-sync.yml',
    from: /expr: /,
    to: 'expr: sum by ',
    check: 'rules',
    says: /could not parse expression|parse error/,
  },
  {
    what: 'a rule that compares the wrong way round',
    file: 'rules/full-sync.yml',
    from: / == 0$/m,
    to: ' == 1',
    check: 'tests of the rules',
    says: /FAILED/,
  },
  {
    what: 'a rule that waits for longer than it is said to',
    file: 'rules/full-sync.yml',
    from: /for: \w+/,
    to: 'for: 9m',
    check: 'tests of the rules',
    says: /FAILED/,
  },
];

/** Has promtool judge the product's files, and broken copies of them, which it must refuse. Throws on the first that it judges otherwise. */
export function checkWithPromtool(deployed: string, say: (line: string) => void): void {
  for (const [what, args] of Object.entries(CHECKS)) {
    const { passed, output } = promtool(args, deployed);
    if (!passed) throw new Error(`promtool ${args.join(' ')} refuses the ${what}:\n${output}`);
    say(`ok   promtool ${args.slice(0, 2).join(' ')}: the ${what}`);
  }
  for (const { what, file, from, to, check, says } of BROKEN) {
    const copy = mkdtempSync(join(tmpdir(), 'full-sync-promtool-test-'));
    try {
      cpSync(deployed, copy, { recursive: true });
      const text = readFileSync(join(copy, file), 'utf8');
      const changed = text.replace(from, to);
      if (changed === text) throw new Error(`${file} holds nothing like ${from}`);
      writeFileSync(join(copy, file), changed);
      const { passed, output } = promtool(CHECKS[check], copy);
      if (passed || !says.test(output)) throw new Error(`promtool does not refuse ${what}:\n${output}`);
      say(`ok   promtool refuses ${what}`);
    } finally {
      rmSync(copy, { recursive: true });
    }
  }
}
