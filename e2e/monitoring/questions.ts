import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** A query as a dashboard in deploy/grafana asks it. */
export interface Question {
  readonly board: string;
  readonly panel: string;
  readonly query: string;
  readonly expr: string;
  readonly unit: string;
}

/** What Grafana puts in for a variable: all values of a label, or the one that was chosen. */
export interface BoardVariable {
  readonly board: string;
  readonly name: string;
  readonly metric: string;
  readonly label: string;
  /** `one` value, `any` of them, or all that are `listed`, joined. */
  readonly choose: 'one' | 'any' | 'listed';
}

interface BoardFile {
  readonly templating: {
    readonly list: readonly { name: string; type: string; definition?: string; multi: boolean; allValue?: string }[];
  };
  readonly panels: readonly {
    readonly title: string;
    readonly fieldConfig?: { readonly defaults: { readonly unit: string } };
    readonly targets?: readonly { readonly refId: string; readonly expr: string }[];
  }[];
}

/** Every query of every dashboard below `folder`, as the files say. Throws when there is none. */
export function readBoards(folder: string): {
  readonly questions: readonly Question[];
  readonly variables: readonly BoardVariable[];
} {
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
  const boards = files.map((file) => ({
    board: basename(file, '.json'),
    file: JSON.parse(readFileSync(join(folder, file), 'utf8')) as BoardFile,
  }));
  const questions = boards.flatMap(({ board, file }) =>
    file.panels.flatMap((panel) =>
      (panel.targets ?? []).map(({ refId, expr }) => ({
        board,
        panel: panel.title,
        query: refId,
        expr,
        unit: panel.fieldConfig?.defaults.unit ?? '',
      })),
    ),
  );
  const variables = boards.flatMap(({ board, file }) =>
    file.templating.list
      .filter(({ type }) => type === 'query')
      .map(({ name, definition = '', multi, allValue }) => {
        const [, metric = '', label = ''] = /^label_values\((\w+), (\w+)\)$/.exec(definition) ?? [];
        const choose = !multi ? 'one' : allValue === undefined ? 'listed' : 'any';
        return { board, name, metric, label, choose } as const;
      }),
  );
  if (questions.length === 0) throw new Error(`${folder} holds no query`);
  return { questions, variables };
}

/** Puts values in for variables and Grafana's durations; `$datasource` stands in no query. */
export function fillIn(
  { board, expr }: Question,
  chosen: ReadonlyMap<string, string>,
  durations: Readonly<Record<string, string>>,
): string {
  return expr.replaceAll(/\$\{?(\w+)(?::\w+)?\}?/g, (written, name: string) => {
    const value = durations[`$${name}`] ?? chosen.get(`${board}/${name}`);
    if (value === undefined) throw new Error(`${board}: nothing is known for ${written} in ${expr}`);
    return value;
  });
}
