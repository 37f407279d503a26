import { decimal, list } from './format.ts';

/** A tree of figures as lines of `place  figure`; what is null is shown as `-`. */
export function figureLines(value: unknown): string {
  return list(rowsOf(value, ''));
}

function rowsOf(value: unknown, place: string): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [[place, figure(value)]];
  return Object.entries(value).flatMap(([name, inner]) => rowsOf(inner, place === '' ? name : `${place}.${name}`));
}

function figure(value: unknown): string {
  if (typeof value === 'number') return Number.isInteger(value) ? decimal(value) : String(Number(value.toPrecision(4)));
  return typeof value === 'string' || typeof value === 'boolean' ? String(value) : '-';
}
