import { parser } from '@prometheus-io/lezer-promql';
import type { SyntaxNode } from '@lezer/common';

/** A label that a query names: in a matcher (`value` and `operator`), or in `by`, `on` and the like. */
export interface LabelUse {
  readonly label: string;
  readonly operator?: string;
  readonly value?: string;
}

/** One use of a metric, with the labels that its selector matches and the functions around it, the nearest first. */
export interface Selector {
  readonly metric: string;
  readonly matchers: readonly LabelUse[];
  /** The range in brackets; null for an instant selector. */
  readonly range: string | null;
  readonly within: readonly string[];
}

export interface QueryFacts {
  /** Where the grammar does not hold, a line each. */
  readonly errors: readonly string[];
  readonly selectors: readonly Selector[];
  /** Labels of `by`, `without`, `on`, `ignoring`, `group_left`. */
  readonly grouping: readonly string[];
}

/** Stand-ins with which a query of Grafana follows the grammar; each is unlike anything that a person would write. */
const GLOBALS: Readonly<Record<string, string>> = {
  $__rate_interval: '61m1s',
  $__interval: '61m2s',
  $__range: '61m3s',
};
const ORIGINALS = new Map(Object.entries(GLOBALS).map(([name, stand]) => [stand, name]));

/** Puts Grafana's own variables for durations into a query. */
export function withDurations(expr: string, durations: Readonly<Record<string, string>> = GLOBALS): string {
  return expr.replaceAll(/\$__[a-z_]+/g, (name) => durations[name] ?? name);
}

/** Reads a query by the grammar of the Prometheus project. */
export function readQuery(expr: string): QueryFacts {
  const text = withDurations(expr);
  const errors: string[] = [];
  const selectors: Selector[] = [];
  const grouping: string[] = [];
  const textOf = (node: SyntaxNode): string => text.slice(node.from, node.to);
  parser.parse(text).iterate({
    enter: ({ node }) => {
      if (node.type.isError) {
        errors.push(`does not parse at "${text.slice(Math.max(0, node.from - 12), node.to + 12)}"`);
      } else if (node.name === 'VectorSelector') {
        selectors.push(readSelector(node, textOf));
      } else if (node.name === 'GroupingLabels') {
        grouping.push(...childrenOf(node).filter(isLabel).map(textOf));
      }
    },
  });
  return { errors, selectors, grouping };
}

function readSelector(node: SyntaxNode, textOf: (node: SyntaxNode) => string): Selector {
  const name = node.getChild('Identifier');
  const matchers = node
    .getChild('LabelMatchers')
    ?.getChildren('UnquotedLabelMatcher')
    .map((matcher) => {
      const [label, operator, value] = childrenOf(matcher).map(textOf);
      return { label: label ?? '', operator: operator ?? '', value: (value ?? '').slice(1, -1) };
    });
  const within: string[] = [];
  let range: string | null = null;
  for (let above = node.parent; above !== null; above = above.parent) {
    if (above.name === 'MatrixSelector') {
      const written = textOf(above).split('[')[1]?.slice(0, -1) ?? '';
      range = ORIGINALS.get(written) ?? written;
    }
    if (above.name === 'FunctionCall') within.push(textOf(above).split('(')[0]?.trim() ?? '');
    if (above.name === 'AggregateExpr') within.push(/^\w+/.exec(textOf(above))?.[0] ?? '');
  }
  return { metric: name === null ? '' : textOf(name), matchers: matchers ?? [], range, within };
}

function isLabel({ name }: SyntaxNode): boolean {
  return name === 'LabelName';
}

function childrenOf(node: SyntaxNode): readonly SyntaxNode[] {
  const found: SyntaxNode[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling) found.push(child);
  return found;
}
