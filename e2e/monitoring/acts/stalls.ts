import { setTimeout as delay } from 'node:timers/promises';
import { oldestWaiting } from '../oldest-waiting.ts';
import type { Act, Stage } from '../stage.ts';

/** How far the panel may be from the truth, seconds: lag is measured and scraped once a second. */
const TOLERANCE_S = 2;
const SAMPLES = 20;
const LAG_OF_LOADER = 'max(full_sync_lag_seconds{group="loader"})';

/**
 * What the panel says while the loader is stopped, against the age of the oldest event that is not in Postgres. Throws when
 * they differ by more than the tolerance.
 */
async function compareWithTruth(stage: Stage): Promise<void> {
  const { prometheus, say } = stage;
  const oldest = await oldestWaiting(stage);
  const differences: number[] = [];
  for (let sample = 0; sample < SAMPLES; sample += 1) {
    const [series] = await prometheus.query(LAG_OF_LOADER);
    const shown = series?.points[0]?.[1] ?? Number.NaN;
    differences.push(shown - (Date.now() - oldest) / 1_000);
    await delay(1_000);
  }
  const most = differences.toSorted((a, b) => Math.abs(b) - Math.abs(a))[0] ?? Number.NaN;
  if (!(Math.abs(most) <= TOLERANCE_S)) throw new Error(`the lag shown differs from the truth by ${most.toFixed(1)} s`);
  say(`ok   lag in seconds differs from the truth by at most ${Math.abs(most).toFixed(1)} s in ${SAMPLES} looks`);
}

/** The loader stands still in the middle of a sync. */
export function stalledLoader(): Act {
  let jobId = '';
  return {
    title: 'the loader stands still in a sync (SIGSTOP)',
    fires: ['FullSyncProcessDown', 'FullSyncLagHigh', 'FullSyncStageStalled', 'FullSyncExtractionHeldBack'],
    // Its transaction may be gone when it awakes.
    ends: ['loader'],
    begin: async (stage) => {
      jobId = await stage.system.client.execute();
      await stage.until(
        'events of the job to be loaded',
        'sum(rate(full_sync_loader_events_total[5s]))',
        (rate) => rate > 0,
      );
      process.kill(stage.pidOf('loader'), 'SIGSTOP');
      await stage.until('lag to be shown', LAG_OF_LOADER, (seconds) => seconds > 2);
      await compareWithTruth(stage);
    },
    end: async (stage) => {
      process.kill(stage.pidOf('loader'), 'SIGCONT');
      await stage.until('the lag of the loader to be gone', LAG_OF_LOADER, (seconds) => seconds < 2);
      const { status } = await stage.waitForEnd(jobId, 360_000);
      if (status !== 'completed') throw new Error(`the sync that was stalled is ${status}`);
    },
  };
}

/** Nobody reads from the upstreams, and nobody knows how far behind the stages are. */
export function stoppedExtractor(): Act {
  let jobId = '';
  return {
    title: 'the extractor stands still while a job waits for it (SIGSTOP)',
    fires: ['FullSyncNobodyExtracts'],
    begin: async ({ pidOf, system }) => {
      process.kill(pidOf('extractor'), 'SIGSTOP');
      jobId = await system.client.execute();
    },
    end: async ({ pidOf, waitForEnd }) => {
      process.kill(pidOf('extractor'), 'SIGCONT');
      await waitForEnd(jobId, 360_000);
    },
  };
}

export function stoppedApi(): Act {
  return {
    title: 'the api stands still, and nobody measures (SIGSTOP)',
    fires: ['FullSyncLagUnmeasured'],
    begin: async ({ pidOf }) => void process.kill(pidOf('api'), 'SIGSTOP'),
    end: async ({ pidOf }) => void process.kill(pidOf('api'), 'SIGCONT'),
  };
}

const KILLS = 7;

/** One of two keyers dies again and again; the other one is given its partitions each time. */
export function dyingKeyer(): Act {
  return {
    title: `one of two keyers is killed ${KILLS} times`,
    fires: ['FullSyncProcessRestarting', 'FullSyncRebalancing'],
    lasting: ['FullSyncProcessRestarting', 'FullSyncRebalancing'],
    ends: ['keyer'],
    begin: async ({ system, pidOf, until }) => {
      const metricsUrl = system.services.plans.find(({ name, copy }) => name === 'keyer' && copy === 1)?.baseUrl ?? '';
      const instance = new URL(metricsUrl).host;
      for (let kill = 0; kill < KILLS; kill += 1) {
        const pid = pidOf('keyer');
        process.kill(pid, 'SIGKILL');
        const killedAt = Date.now() / 1_000;
        const assigned = `sum(full_sync_consumer_assigned_partitions{service="keyer", instance="${instance}"})`;
        const started = `process_start_time_seconds{instance="${instance}"}`;
        await until('another keyer to be scraped', started, (at) => at > killedAt);
        await until('the keyer to have partitions again', assigned, (partitions) => partitions > 0);
      }
    },
    end: async () => undefined,
  };
}
