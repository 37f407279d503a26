import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { startServices, startStack } from '@full-sync/local-stack';
import { peaks } from './memory-samples.ts';
import type { MemorySample } from './memory-samples.ts';

export interface LoadOptions {
  /** Events wanted, about half of them from each platform. */
  readonly events: number;
  readonly seed: number;
  readonly bodyBytes: number;
  readonly log: (line: string) => void;
}

const mebibyte = 1_048_576;
/** What a service may hold, and how much it may grow after the first tenth (both MiB). */
const residentLimit = 200;

/**
 * One sync of many events with the limits off, on a stack of its own: throughput of the whole pipeline, and the
 * resident memory of each service over the run. Resolves to true when every service stayed under 200 MB without growth.
 */
export async function runLoad(options: LoadOptions): Promise<boolean> {
  const { log } = options;
  const home = await mkdtemp(join(tmpdir(), 'full-sync-load-'));
  await using stack = await startStack({ home, log });
  const simulator = await startSimulator(options);
  try {
    const env = { ...simulator.env, SMARTLEAD_RATE_LIMIT: 'off', LEMLIST_RATE_LIMIT: 'off', API_PORT: '0' };
    const services = await startServices({ stack, extraEnv: env });
    const samples: MemorySample[] = [];
    const cpu = new Map<string, number>();
    const startedAt = performance.now();
    const jobId = await execute(services.apiUrl);
    const end = await follow(services.apiUrl, jobId, async (share) => {
      for (const { name, pid } of stack.processes()) {
        samples.push({ name, share, mib: (await residentBytes(pid)) / mebibyte });
        cpu.set(name, await cpuSeconds(pid));
      }
    });
    const seconds = (performance.now() - startedAt) / 1000;
    log(JSON.stringify(end.summary));
    log(
      `${end.status}: ${end.summary.events_created} events in ${seconds.toFixed(1)} s = ${Math.round(end.summary.events_created / seconds)} events/s`,
    );
    log(`CPU seconds since start: ${[...cpu].map(([name, used]) => `${name} ${used.toFixed(1)}`).join(', ')}`);
    const table = peaks(samples);
    for (const row of table)
      log(
        `${row.name.padEnd(12)} first tenth ${row.firstTenth.toFixed(0)} MiB, peak ${row.peak.toFixed(0)} MiB, last tenth ${row.lastTenth.toFixed(0)} MiB`,
      );
    const ours = table.filter((row) => ['api', 'extractor', 'keyer', 'loader'].includes(row.name));
    return end.status === 'completed' && ours.every((row) => row.peak < residentLimit);
  } finally {
    simulator.child.kill();
    await stack.stop();
    await rm(home, { recursive: true, force: true });
  }
}

async function startSimulator(options: LoadOptions): Promise<{ child: ChildProcess; env: Record<string, string> }> {
  // A Smartlead row gives about 1.88 events.
  const size = {
    smartlead: { campaigns: 40, rows: Math.round(options.events / 2 / 1.88) },
    lemlist: { campaigns: 20, activities: Math.round(options.events / 2) },
  };
  const entry = join(import.meta.dirname, '..', '..', 'packages', 'simulators', 'src', 'main.ts');
  const args = [entry, '--port', '0', '--seed', String(options.seed), '--size', JSON.stringify(size)];
  args.push('--smartlead-rate', 'off', '--lemlist-rate', 'off', '--smartlead-body-bytes', String(options.bodyBytes));
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const told = JSON.parse(line) as Record<'smartlead' | 'lemlist' | 'smartleadKey' | 'lemlistKey', string>;
  return {
    child,
    env: {
      SMARTLEAD_BASE_URL: told.smartlead,
      SMARTLEAD_API_KEY: told.smartleadKey,
      LEMLIST_BASE_URL: told.lemlist,
      LEMLIST_API_KEY: told.lemlistKey,
    },
  };
}

async function execute(apiUrl: string): Promise<string> {
  const answer = await fetch(`${apiUrl}/api/full-sync/execute`, {
    method: 'POST',
    body: JSON.stringify({ platforms: 'smartlead,lemlist', syncMode: 'full_historical' }),
  });
  const { jobId } = (await answer.json()) as { jobId: string };
  return jobId;
}

interface Status {
  readonly status: string;
  readonly progress: { readonly percentage: number };
  readonly summary: { readonly events_created: number };
}

async function follow(apiUrl: string, jobId: string, sample: (share: number) => Promise<void>): Promise<Status> {
  for (;;) {
    const answer = await fetch(`${apiUrl}/api/full-sync/status/${jobId}`);
    const status = (await answer.json()) as Status;
    await sample(status.progress.percentage / 100);
    if (status.status === 'completed' || status.status === 'failed') return status;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

async function residentBytes(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/VmRSS:\s+(\d+)/.exec(text)?.[1] ?? 0) * 1024;
}

/** User and system time of a process so far, without its children; the kernel counts in hundredths of a second. */
async function cpuSeconds(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / 100;
}
