import { createRequestInstruments, startDestination } from '@full-sync/destinations';
import { statusLabel } from '@full-sync/metrics';
import { runService, systemClock } from '@full-sync/runtime';
import { configSchema } from './config.ts';
import { createMixpanelDestination } from './destination.ts';
import { loadProjects } from './projects.ts';

const destination = 'mixpanel';

await runService({
  name: destination,
  schema: configSchema,
  metrics: (config) => ({ host: config.METRICS_HOST, port: config.MIXPANEL_METRICS_PORT }),
  start: async (scope, config) => {
    const { requests, requestSeconds } = createRequestInstruments(scope.metrics, destination);
    const mixpanel = createMixpanelDestination({
      projects: loadProjects(config),
      profiles: config.MIXPANEL_PROFILES,
      clock: systemClock,
      random: Math.random,
      logger: scope.logger,
      onAnswer: (status, elapsedMs) => {
        requests.inc({ destination, status: statusLabel(status ?? undefined) });
        requestSeconds.observe({ destination }, elapsedMs / 1000);
      },
    });
    scope.use(mixpanel, 'connections');
    await startDestination(scope, config, mixpanel);
  },
});
