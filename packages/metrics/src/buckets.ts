/* Upper bounds of histograms, by what they measure. */

/** Requests and statements that are answered within milliseconds when all is well, seconds. */
export const answerSeconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const;

/** Upstreams and destinations, which are far away and give up after 30 s, seconds. */
export const farAnswerSeconds = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30] as const;

/** How old an event is: seconds where it is fresh, up to years where history is read, seconds. */
export const ageSeconds = [
  0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600, 21_600, 86_400, 604_800, 2_592_000, 31_536_000,
] as const;

/** Time between two stages, seconds. */
export const stageSeconds = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600, 21_600, 86_400] as const;

/** How much is done at once, in records, events or rows. */
export const batchSizes = [1, 10, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000] as const;
