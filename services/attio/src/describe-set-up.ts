import { attributes } from './domain/attributes.ts';
import type { SetUp } from './set-up-workspace.ts';

export interface Description {
  readonly text: string;
  readonly json: object;
  /** 0 all attributes are there, 1 some are not, 3 Attio does not answer. */
  readonly exitCode: 0 | 1 | 3;
}

/** Says for people and for programs what setting workspaces up came to. */
export function describeSetUp(ends: readonly SetUp[]): Description {
  const isComplete = (end: SetUp): boolean => end.kind === 'done' && end.report.problems.size === 0;
  const exitCode = ends.some(({ kind }) => kind === 'unreachable') ? 3 : ends.every(isComplete) ? 0 : 1;
  return { text: ends.map(textOf).join('\n\n'), json: { workspaces: ends.map(jsonOf) }, exitCode };
}

function textOf(end: SetUp): string {
  if (end.kind === 'refused') return `Attio refuses: ${end.detail}`;
  if (end.kind === 'unreachable') return `Attio cannot be reached: ${end.detail}`;
  const width = Math.max(...attributes.map(({ slug }) => slug.length));
  const lines = attributes.map(({ slug, type }) => {
    const problem = end.report.problems.get(slug);
    const state = problem === undefined ? (end.created.includes(slug) ? 'created' : 'there') : problem;
    return `  ${slug.padEnd(width)}  ${type.padEnd('timestamp'.length)}  ${state}`;
  });
  const { size } = end.report.problems;
  const closing =
    size === 0
      ? 'All attributes are there.'
      : `${size} cannot be written and ${size === 1 ? 'is' : 'are'} left out; one of another type must be renamed or removed in Attio first.`;
  return [`Workspace ${end.workspaceId}`, ...lines, closing].join('\n');
}

function jsonOf(end: SetUp): object {
  if (end.kind !== 'done') return { state: end.kind, detail: end.detail };
  const { workspaceId, created, report } = end;
  return {
    state: report.problems.size === 0 ? 'complete' : 'incomplete',
    workspaceId,
    created,
    usable: [...report.usable],
    problems: Object.fromEntries(report.problems),
  };
}
