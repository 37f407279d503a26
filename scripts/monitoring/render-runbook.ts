import { frame } from './render-dashboard.ts';
import type { RunbookAddress } from './render-dashboard.ts';

/** A part of docs/runbook.md from its heading of the second level up to the next one. */
export interface Section {
  readonly heading: string;
  readonly anchor: string;
  readonly body: string;
}

const SLUG = 'runbook';
const LINES_OF_A_ROW = 1.6;

/** The sections of the runbook. What stands before the first heading is none. */
export function readSections(markdown: string): readonly Section[] {
  const parts = markdown.split(/^## /m).slice(1);
  return parts.map((part) => {
    const end = part.indexOf('\n');
    const heading = part.slice(0, end).trim();
    return { heading, anchor: anchorOf(heading), body: part.slice(end + 1).trim() };
  });
}

/** The anchor that a heading gets where Markdown is shown: lower case, words joined by hyphens. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(/\s/g, '-');
}

/** Where Grafana shows each section alone; throws for an anchor that is not in the runbook. */
export function runbookAddresses(sections: readonly Section[]): RunbookAddress {
  return (anchor) => {
    const index = sections.findIndex((section) => section.anchor === anchor);
    if (index < 0) throw new Error(`docs/runbook.md has no heading with the anchor "${anchor}"`);
    return `/d/full-sync-${SLUG}/${SLUG}?viewPanel=panel-${index + 1}`;
  };
}

/** The runbook as a dashboard, a panel a section: panels can lead to it wherever Grafana runs, without a host of ours. */
export function renderRunbook(sections: readonly Section[]): string {
  let y = 0;
  const panels = sections.map(({ heading, body }, index) => {
    const h = Math.max(4, Math.ceil(body.split('\n').length / LINES_OF_A_ROW) + 2);
    const panel = {
      id: index + 1,
      type: 'text',
      title: heading,
      gridPos: { x: 0, y, w: 24, h },
      options: { mode: 'markdown', content: body },
    };
    y += h;
    return panel;
  });
  const description = 'docs/runbook.md: for every alert its symptom, the diagnosis with its commands, and what to do.';
  return `${JSON.stringify({ ...frame(SLUG, 'Runbook', description), templating: { list: [] }, panels }, null, 2)}\n`;
}
