/** A value in the unit of its panel, as an operator would read it. */
export function showValue(value: number, unit: string): string {
  if (!Number.isFinite(value)) return String(value);
  switch (unit) {
    case 's':
      return value !== 0 && Math.abs(value) < 1 ? `${(value * 1_000).toPrecision(3)} ms` : `${round(value)} s`;
    case 'bytes':
    case 'binBps': {
      const text = value < 1_048_576 ? `${round(value / 1_024)} KiB` : `${round(value / 1_048_576)} MiB`;
      return unit === 'bytes' ? text : `${text}/s`;
    }
    case 'percentunit':
      return `${round(value * 100)} %`;
    case 'ops':
    case 'reqps':
      return `${round(value)}/s`;
    case 'bool':
      return value === 0 ? 'no' : 'yes';
    case 'dateTimeFromNow':
      return `${round(Date.now() / 1_000 - value / 1_000)} s ago`;
    default:
      return round(value);
  }
}

function round(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}

/** Lines of columns that are as wide as their widest cell, or cut at `widest`. */
export function formatTable(header: readonly string[], rows: readonly (readonly string[])[], widest = 64): string {
  const cells = [header, ...rows].map((row) =>
    row.map((cell) => (cell.length > widest ? `${cell.slice(0, widest - 1)}…` : cell)),
  );
  const widths = header.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  const [first = [], ...others] = cells;
  return [line(first), widths.map((width) => '-'.repeat(width)).join('  '), ...others.map(line)].join('\n');
}
