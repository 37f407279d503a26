import type { SetUp, SetUpPart } from './set-up-workspace.ts';

export interface Description {
  readonly text: string;
  readonly json: object;
  /** 0 all attributes are there, 1 some are not, 3 Attio does not answer. */
  readonly exitCode: 0 | 1 | 3;
}

/** Says for people and for programs what setting workspaces up came to. */
export function describeSetUp(ends: readonly SetUp[]): Description {
  const exitCode = ends.some(({ kind }) => kind === 'unreachable') ? 3 : ends.every(isComplete) ? 0 : 1;
  return { text: ends.map(textOf).join('\n\n'), json: { workspaces: ends.map(jsonOf) }, exitCode };
}

function isComplete(end: SetUp): boolean {
  return end.kind === 'done' && problemsOf(end.parts) === 0;
}

function problemsOf(parts: readonly SetUpPart[]): number {
  return parts.reduce((sum, { report }) => sum + report.problems.size, 0);
}

function textOf(end: SetUp): string {
  if (end.kind === 'refused') return `Attio refuses: ${end.detail}`;
  if (end.kind === 'unreachable') return `Attio cannot be reached: ${end.detail}`;
  const problems = problemsOf(end.parts);
  const closing =
    problems === 0
      ? 'All attributes are there.'
      : `${problems} cannot be written and ${problems === 1 ? 'is' : 'are'} left out; one of another type must be renamed or removed in Attio first.`;
  return [`Workspace ${end.workspaceId}`, ...end.parts.flatMap(linesOf), closing].join('\n');
}

function linesOf({ of, wanted, created, report }: SetUpPart): readonly string[] {
  const width = Math.max(...wanted.map(({ slug }) => slug.length));
  const lines = wanted.map(({ slug, type }) => {
    const problem = report.problems.get(slug);
    const state = problem === undefined ? (created.includes(slug) ? 'created' : 'there') : problem;
    return `  ${slug.padEnd(width)}  ${type.padEnd('record-reference'.length)}  ${state}`;
  });
  return [`Attributes of ${of}:`, ...lines];
}

function jsonOf(end: SetUp): object {
  if (end.kind !== 'done') return { state: end.kind, detail: end.detail };
  const parts = end.parts.map(({ of, created, report }) => [
    of,
    { created, usable: [...report.usable], problems: Object.fromEntries(report.problems) },
  ]);
  return {
    state: isComplete(end) ? 'complete' : 'incomplete',
    workspaceId: end.workspaceId,
    ...(Object.fromEntries(parts) as object),
  };
}
