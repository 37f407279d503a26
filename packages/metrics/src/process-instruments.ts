import { readdirSync, readFileSync } from 'node:fs';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { createInstruments } from './instruments.ts';
import type { MetricRegistry } from './registry.ts';
import { processMetrics } from './table/process.ts';

/**
 * How often the delay of the event loop is measured, ms. Ten times as often is a percent of all the processor time of an
 * idle process; what matters is what delays heartbeats, which is longer than this.
 */
const delayResolutionMs = 200;

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
