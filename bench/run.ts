import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { listFiles } from '../scripts/source-files.ts';
import type { Bench, BenchResult } from './measure.ts';

type Report = { readonly name: string; readonly file: string } & BenchResult;

const root = join(import.meta.dirname, '..');

/** Runs the benchmarks whose file name holds one of `words` (all without words), prints their table and writes `.full-sync/bench/<time>.json`. */
async function main(words: readonly string[]): Promise<void> {
  const files = listFiles(import.meta.dirname)
    .filter((path) => path.endsWith('.bench.ts'))
    .filter((path) => words.length === 0 || words.some((word) => path.includes(word)));
  if (files.length === 0) throw new Error(`no bench/*.bench.ts matches ${words.join(', ') || 'anything'}`);
  const reports: Report[] = [];
  for (const file of files) {
    const bench = await loadBench(file);
    const report = { name: bench.name, file, ...(await bench.run()) };
    print(report);
    reports.push(report);
  }
  console.log(`\nwritten to ${write(reports)}`);
}

async function loadBench(file: string): Promise<Bench> {
  const module: unknown = await import(join(import.meta.dirname, file));
  if (!isBench(module)) throw new Error(`bench/${file} must export a name and a function run`);
  return module;
}

function isBench(module: unknown): module is Bench {
  if (typeof module !== 'object' || module === null) return false;
  return 'name' in module && typeof module.name === 'string' && 'run' in module && typeof module.run === 'function';
}

function print({ name, unit, baseline, cases, notes = [] }: Report): void {
  const base = cases.find((one) => one.name === baseline)?.perSecond;
  if (base === undefined) throw new Error(`"${name}" has no case named "${baseline}", its baseline`);
  const width = Math.max(...cases.map((one) => one.name.length));
  console.log(`\n${name} (${unit} a second; ratio to "${baseline}")`);
  for (const one of cases) {
    const rate = Math.round(one.perSecond).toLocaleString('en').padStart(14);
    console.log(`  ${one.name.padEnd(width)} ${rate} ${(one.perSecond / base).toFixed(2).padStart(8)}`);
  }
  for (const note of notes) console.log(`  ${note}`);
}

function write(reports: readonly Report[]): string {
  const folder = join(process.env['FULL_SYNC_HOME'] ?? join(root, '.full-sync'), 'bench');
  mkdirSync(folder, { recursive: true });
  const takenAt = new Date().toISOString();
  const processors = cpus();
  const machine = { node: process.version, cores: processors.length, model: processors[0]?.model ?? 'unknown' };
  const path = join(folder, `${takenAt.replaceAll(/[:.]/g, '-')}.json`);
  writeFileSync(path, `${JSON.stringify({ takenAt, machine, reports }, null, 2)}\n`);
  return path;
}

await main(process.argv.slice(2));
