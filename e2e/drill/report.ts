/** Seconds with one decimal, `-` for what was not seen. */
export function seconds(ms: number | null): string {
  return ms === null ? '-' : `${(ms / 1_000).toFixed(1)} s`;
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** `7:05` */
export function elapsed(sinceMs: number): string {
  const whole = Math.round((performance.now() - sinceMs) / 1_000);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

/** Columns as wide as they need to be, two blanks between them: the first to the left, the others to the right. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ');
  return rows.map(line).join('\n');
}
