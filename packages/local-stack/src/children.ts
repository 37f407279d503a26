import type { ProcessRef } from './identity.ts';

/** A child as the reaper and the next start need it. Lower stages are ended first. */
export type ChildRef = ProcessRef & {
  readonly name: string;
  readonly stopSignal: NodeJS.Signals;
  readonly stage: number;
};

/** The children of each stage, in the order in which they are to be ended. */
export function stagesOf(children: readonly ChildRef[]): readonly (readonly ChildRef[])[] {
  return [...Map.groupBy(children, (child) => child.stage)].sort(([a], [b]) => a - b).map(([, stage]) => stage);
}

/** Reads a list of children as JSON; what is no such list counts as an empty one. */
export function parseChildren(text: string): readonly ChildRef[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value.filter(isChild) : [];
  } catch {
    return []; // a line cut off by the supervisor's death: never act on half a list
  }
}

function isChild(value: unknown): value is ChildRef {
  return (
    typeof value === 'object' &&
    value !== null &&
    'pid' in value &&
    Number.isInteger(value.pid) &&
    'identity' in value &&
    typeof value.identity === 'string' &&
    'name' in value &&
    typeof value.name === 'string' &&
    'stopSignal' in value &&
    (value.stopSignal === 'SIGTERM' || value.stopSignal === 'SIGINT') &&
    'stage' in value &&
    typeof value.stage === 'number'
  );
}
