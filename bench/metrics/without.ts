import { registerHooks } from 'node:module';

/*
 * Loaded before a service (`node --import`), takes its metrics out of it: instruments that count nothing, and no watches
 * that only read what is shown. What is left of them is a call of an empty function here and there.
 */

const instruments = `
const nothing = () => {};
const series = { observe: nothing };
const instrument = { inc: nothing, set: nothing, add: nothing, clear: nothing, observe: nothing, series: () => series, startTimer: () => nothing };
export const createInstruments = (_registry, part) => Object.fromEntries(Object.keys(part).map((key) => [key, instrument]));
`;

const untilAborted = `(signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve()))`;

/** What stands in for a module, by the end of its path. */
const replaced: Readonly<Record<string, string>> = {
  '/packages/metrics/src/instruments.ts': instruments,
  '/packages/metrics/src/process-instruments.ts': 'export const showProcess = () => {};',
  '/services/loader/src/metrics.ts':
    'export const createLoaderMetrics = () => ({ noteRedelivered: () => {}, noteBatch: () => {} });',
  '/services/api/src/watch-lag.ts': `export const watchLag = () => ({ watch: ${untilAborted}, refresh: async () => {}, snapshot: () => null });`,
  '/services/api/src/watch-state.ts': `export const watchState = () => ({ refresh: async () => {}, budgets: async () => [] });`,
};

registerHooks({
  load: (url, context, nextLoad) => {
    const found = Object.entries(replaced).find(([path]) => url.endsWith(path));
    return found === undefined ? nextLoad(url, context) : { format: 'module', source: found[1], shortCircuit: true };
  },
});
