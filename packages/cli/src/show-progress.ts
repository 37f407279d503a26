import cliProgress from 'cli-progress';
import type { MultiBar, SingleBar } from 'cli-progress';
import { decimal, minutes, stageTitle } from './format.ts';
import { hasEnded } from './job.ts';
import type { Job } from './job.ts';

/** Shows a job while it runs. */
export interface ProgressView {
  readonly update: (job: Job) => void;
  /** Takes the view down; what is printed afterwards comes below it. */
  readonly stop: () => void;
}

/** A bar per stage in a terminal; elsewhere a line whenever something moved. */
export function createProgressView(stream: NodeJS.WriteStream): ProgressView {
  return stream.isTTY
    ? createBars(stream)
    : createLines(
        (line) => stream.write(`${line}\n`),
        () => performance.now(),
      );
}

function createBars(stream: NodeJS.WriteStream): ProgressView {
  const multi: MultiBar = new cliProgress.MultiBar(
    {
      stream,
      format: '{title} {bar} {percentage} %  {detail}',
      barCompleteChar: '\u2588',
      barIncompleteChar: '\u2591',
      barsize: 30,
      fps: 10,
      hideCursor: true,
      clearOnComplete: false,
      emptyOnZero: true,
      // The command prints what is left to say itself when it is interrupted.
      gracefulExit: false,
    },
    cliProgress.Presets.shades_classic,
  );
  const bars = new Map<string, SingleBar>();
  const show = (name: string, done: number, total: number, detail: string): void => {
    const payload = { title: stageTitle(name).padEnd(10), detail };
    const bar = bars.get(name) ?? multi.create(Math.max(1, total), 0, payload);
    bars.set(name, bar);
    // An empty stage is full, once the job is past it.
    bar.setTotal(Math.max(1, total));
    bar.update(total === 0 ? 0 : Math.min(done, total), payload);
  };
  return {
    update: (job) => {
      const { progress } = job;
      for (const { name, done, total } of progress.stages) {
        if (name === 'finalizing') continue;
        const past = total === 0 && hasEnded(job);
        show(name, past ? 1 : done, past ? 1 : total, `${decimal(done)} of ${decimal(total)}`);
      }
      const eta = progress.etaMinutes > 0 ? `, ${minutes(progress.etaMinutes)} left` : '';
      const waiting = progress.waitingFor === null ? '' : `, waiting: ${progress.waitingFor}`;
      show('total', progress.percentage, 100, `${progress.stage}${eta}${waiting}`);
    },
    stop: () => {
      multi.stop();
    },
  };
}

const lineEveryMs = 1_000;

/**
 * One line when the stage, the integer percentage or what is waited for changes, at most one a second; the ending is
 * always said.
 */
export function createLines(print: (line: string) => void, now: () => number): ProgressView {
  let last = '';
  let lastAtMs = -Infinity;
  return {
    update: (job) => {
      const { progress } = job;
      const state = `${progress.stage} ${progress.percentage} ${progress.waitingFor ?? ''}`;
      if (state === last) return;
      if (now() - lastAtMs < lineEveryMs && !hasEnded(job)) return;
      last = state;
      lastAtMs = now();
      const eta = progress.etaMinutes > 0 ? `, ${minutes(progress.etaMinutes)} left` : '';
      const waiting = progress.waitingFor === null ? '' : `, waiting: ${progress.waitingFor}`;
      const items = `${decimal(progress.processedItems)} of ${decimal(progress.totalItems)} records`;
      print(`${String(progress.percentage).padStart(3)} %  ${progress.stage}  ${items}${eta}${waiting}`);
    },
    stop: () => undefined,
  };
}
