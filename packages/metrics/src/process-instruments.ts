import { readdirSync, readFileSync } from 'node:fs';
import { constants, monitorEventLoopDelay, performance, PerformanceObserver } from 'node:perf_hooks';
import { createInstruments } from './instruments.ts';
import type { Instruments } from './instruments.ts';
import type { MetricRegistry } from './registry.ts';
import { processMetrics } from './table/process.ts';

const gcKinds: Readonly<Record<number, 'minor' | 'major' | 'incremental' | 'weakcb'>> = {
  [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor',
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weakcb',
};

/** How finely the delay of the event loop is measured, ms. */
const delayResolutionMs = 20;

export interface ProcessFacts {
  readonly version: string;
  readonly revision: string;
  readonly ready: () => boolean;
  /** Of the most silent supervised loop; 0 where none is supervised. */
  readonly silenceMs: () => number;
  /** Since the drain began; 0 before. */
  readonly drainingMs: () => number;
}

/** Registers what every process shows of itself; read at each scrape. */
export function showProcess(registry: MetricRegistry, facts: ProcessFacts): void {
  const shown = createInstruments(registry, processMetrics);
  shown.build.set({ version: facts.version, revision: facts.revision }, 1);
  shown.start.set({}, performance.timeOrigin / 1_000);
  shown.filesMax.set({}, readMaxFiles());
  observeGc(shown.gc);
  const delay = monitorEventLoopDelay({ resolution: delayResolutionMs });
  delay.enable();
  let cpuBefore = 0;
  let busyBefore = 0;
  registry.onScrape(() => {
    shown.ready.set({}, facts.ready() ? 1 : 0);
    shown.silence.set({}, facts.silenceMs() / 1_000);
    shown.drain.set({}, facts.drainingMs() / 1_000);
    const { user, system } = process.cpuUsage();
    const cpu = (user + system) / 1e6;
    shown.cpu.inc({}, Math.max(0, cpu - cpuBefore));
    cpuBefore = cpu;
    const busy = performance.eventLoopUtilization().active / 1_000;
    shown.loopBusy.inc({}, Math.max(0, busy - busyBefore));
    busyBefore = busy;
    // What it measures is the time between two turns of its own timer.
    const p99Ms = delay.percentile(99) / 1e6;
    shown.loopDelay.set({}, Math.max(0, p99Ms - delayResolutionMs) / 1_000);
    delay.reset();
    const { rss, heapUsed, heapTotal, external } = process.memoryUsage();
    shown.memory.set({}, rss);
    shown.heapUsed.set({}, heapUsed);
    shown.heapTotal.set({}, heapTotal);
    shown.external.set({}, external);
    shown.files.set({}, countFiles());
  });
}

function observeGc(gc: Instruments<typeof processMetrics>['gc']): void {
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const detail: unknown = Reflect.get(entry, 'detail');
      const kind = gcKinds[Number(Reflect.get(Object(detail), 'kind'))];
      if (kind !== undefined) gc.observe({ kind }, entry.duration / 1_000);
    }
  }).observe({ entryTypes: ['gc'] });
}

/** Open files and connections; 0 where the system does not list them (other than Linux). */
function countFiles(): number {
  try {
    // The listing itself is one of them.
    return readdirSync('/proc/self/fd').length - 1;
  } catch {
    return 0;
  }
}

function readMaxFiles(): number {
  try {
    return Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
