import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse } from 'yaml';
import { DASHBOARDS, generatedFiles, RULES, RULE_TESTS } from './monitoring/generated-files.ts';
import { dashboardProblems } from './monitoring/lint-dashboards.ts';
import { ruleProblems } from './monitoring/lint-rules.ts';
import { scrapeProblems } from './monitoring/lint-scrape.ts';
import { metricTable } from './monitoring/metric-table.ts';
import { readSections, runbookAddresses } from './monitoring/render-runbook.ts';
import { isTestFile, listFiles } from './source-files.ts';

/*
 * What Prometheus and Grafana are given must be what the code says, and must hold by itself: dashboards and alerts ask for
 * metrics and labels that exist, and lead to sections of the runbook that exist. The queries are read by the grammar of the
 * Prometheus project, so that neither program is needed here; `npm run test:monitoring` runs both.
 */

/** Every problem of the dashboards, the rules, the scrape configuration and the runbook below `root`, a line each. */
export function monitoringProblems(root: string): readonly string[] {
  const read = (path: string): string => readFileSync(join(root, path), 'utf8');
  const runbook = readSections(read('docs/runbook.md'));
  const addressOf = runbookAddresses(runbook);
  const rules = { metrics: metricTable, runbook: new Set(runbook.map(({ anchor }) => addressOf(anchor))) };
  const boards = readdirSync(join(root, DASHBOARDS)).filter((name) => name.endsWith('.json'));
  return [
    ...driftProblems(root),
    ...boards.flatMap((file) =>
      dashboardProblems(basename(file, '.json'), JSON.parse(read(`${DASHBOARDS}/${file}`)), rules),
    ),
    ...ruleProblems(parse(read(RULES)), parse(read(RULE_TESTS)), { metrics: metricTable, runbook }),
    ...scrapeProblems(root),
    ...runbookProblems(read('docs/runbook.md'), JSON.parse(read('package.json'))),
    ...soughtProblems(read('docs/runbook.md')),
  ];
}

/** Files that are not as the code says, are missing, or are there without it. */
function driftProblems(root: string): readonly string[] {
  let wanted: ReadonlyMap<string, string>;
  try {
    wanted = generatedFiles(root);
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
  const there = readdirSync(join(root, DASHBOARDS)).map((name) => `${DASHBOARDS}/${name}`);
  const differing = [...wanted].filter(
    ([path, text]) => !existsSync(join(root, path)) || readFileSync(join(root, path), 'utf8') !== text,
  );
  return [
    ...differing.map(([path]) => `${path} is not what scripts/monitoring says: npm run generate`),
    ...there.filter((path) => !wanted.has(path)).map((path) => `${path} is written by nothing: npm run generate`),
  ];
}

/** Commands and metrics that the runbook names are there. */
function runbookProblems(
  text: string,
  manifest: { readonly scripts: Readonly<Record<string, string>> },
): readonly string[] {
  const scripts = [...text.matchAll(/npm run ([\w:-]+)/g)].map(([, name]) => name ?? '');
  // As in `full_sync_loader_(flush|copy)_seconds`, for grep.
  const metrics = [...text.matchAll(/\bfull_sync_\w*(?:\([\w|]+\)\w*)*/g)].flatMap(([pattern]) =>
    alternativesOf(pattern),
  );
  const isKnown = (name: string): boolean =>
    metricTable.has(name) || metricTable.has(name.replace(/_(?:bucket|sum|count)$/, '')) || name === 'full_sync_reader';
  return [
    ...scripts.filter((name) => manifest.scripts[name] === undefined).map((name) => `npm run ${name} does not exist`),
    ...metrics.filter((name) => !isKnown(name)).map((name) => `the metric ${name} does not exist`),
  ].map((problem) => `docs/runbook.md: ${problem}`);
}

let programs: readonly string[] | undefined;

/** The text of every program that may write a log. */
function readPrograms(): readonly string[] {
  const root = join(import.meta.dirname, '..');
  return (programs ??= listFiles(root)
    .filter((path) => /^(?:packages|services)\/[^/]+\/src\//.test(path) && !isTestFile(path))
    .map((path) => readFileSync(join(root, path), 'utf8')));
}

/** Words that the runbook looks for in logs, as in `grep -h 'words' .full-sync/logs`, and that no program writes. */
function soughtProblems(text: string): readonly string[] {
  const sought = [...text.matchAll(/grep -h '([^'"]+)' \.full-sync/g)].map(([, words]) => words ?? '');
  return sought
    .filter((words) => !readPrograms().some((program) => program.includes(words)))
    .map((words) => `docs/runbook.md: looks for "${words}" in the logs, which nothing writes`);
}

/** The names that a pattern of letters and of choices in parentheses stands for. */
function alternativesOf(pattern: string): readonly string[] {
  const [whole, before, choices, after] = /^(\w*)\(([\w|]+)\)(.*)$/.exec(pattern) ?? [];
  if (whole === undefined) return [pattern];
  return (choices ?? '').split('|').flatMap((choice) => alternativesOf(`${before}${choice}${after}`));
}

if (import.meta.main) {
  const problems = monitoringProblems(join(import.meta.dirname, '..'));
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
