import { parseJson, stringifyJson } from '@full-sync/schemas';
import { compare } from './measure.ts';
import type { BenchResult } from './measure.ts';

export const name = 'lossless JSON';

function page(idOf: (index: number) => string): string {
  const rows = Array.from({ length: 200 }, (_, index) => {
    return `{"id":${idOf(index)},"lead_email":"lead-${index}@example.com","open_count":${index % 7},"sent_time":"2026-03-01T08:15:30.000Z"}`;
  });
  return `{"data":[${rows.join(',')}]}`;
}

/** Against `JSON.parse` and back, which loses the digits of large ids. */
export function run(): BenchResult {
  const small = page((index) => String(index));
  const large = page((index) => `90071992547409${930 + index}`);
  const units = 200;
  const cases = compare([
    { name: 'JSON, small ids', units, work: () => JSON.stringify(JSON.parse(small)) },
    { name: 'ours, small ids', units, work: () => stringifyJson(parseJson(small)) },
    { name: 'ours, large ids', units, work: () => stringifyJson(parseJson(large)) },
  ]);
  return { unit: 'records', baseline: 'JSON, small ids', cases };
}
