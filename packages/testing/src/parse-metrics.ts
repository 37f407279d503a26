/** One metric of a Prometheus text. */
export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly samples: MetricSample[];
}

export interface MetricSample {
  /** With `_bucket`, `_sum` or `_count` for those of a histogram. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/**
 * Reads a Prometheus text (exposition format 0.0.4). Throws on a line that is none of it, and on a sample that does not
 * follow the HELP and TYPE of its metric.
 */
export function parseMetrics(text: string): readonly MetricFamily[] {
  const families: { name: string; help: string; type: string; samples: MetricSample[] }[] = [];
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [, keyword, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) ?(.*)$/.exec(line) ?? [];
    const family = families.at(-1);
    if (keyword === 'HELP') families.push({ name, help: unescape(rest), type: 'untyped', samples: [] });
    else if (keyword === 'TYPE' && family?.name === name) family.type = rest;
    else if (family !== undefined) family.samples.push(parseSample(line, family));
    else throw new Error(`not a line of a Prometheus text: ${line}`);
  }
  return families;
}

function parseSample(line: string, family: { readonly name: string; readonly type: string }): MetricSample {
  const [, name = '', labels = '', value = ''] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
  const suffix = name.slice(family.name.length);
  const suffixes = family.type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
  if (!name.startsWith(family.name) || !suffixes.includes(suffix))
    throw new Error(`a sample that does not belong to ${family.name}: ${line}`);
  const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label = '', text = '']) => {
    return [label, unescape(text)] as const;
  });
  return { name, labels: Object.fromEntries(pairs), value: Number(value.replace('Inf', 'Infinity')) };
}

function unescape(text: string): string {
  return text.replaceAll(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character));
}
