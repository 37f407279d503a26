import type { Act } from './stage.ts';

/** Everything that goes wrong, in this order. */
export const acts: readonly Act[] = [
  {
    title: 'the keyer does not answer',
    fires: ['FullSyncProcessDown'],
    begin: async ({ pidOf }) => void process.kill(pidOf('keyer'), 'SIGSTOP'),
    end: async ({ pidOf }) => void process.kill(pidOf('keyer'), 'SIGCONT'),
  },
];
