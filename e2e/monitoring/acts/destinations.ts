import type { Act } from '../stage.ts';

/** Somebody has withdrawn the credentials of Mixpanel. */
export function refusedCredentials(): Act {
  let jobId = '';
  return {
    title: 'Mixpanel refuses the credentials',
    fires: ['FullSyncDestinationHalted', 'FullSyncNotReady'],
    begin: async ({ fault, system }) => {
      await fault({ platform: 'mixpanel', kind: 'rejectKey', probability: 1 });
      jobId = await system.client.execute({ platforms: ['smartlead'], enableMixpanelTracking: true });
    },
    end: async ({ clearFaults, waitForEnd, until }) => {
      await clearFaults();
      await waitForEnd(jobId);
      const sent = 'sum(full_sync_deliveries_total{destination="mixpanel", outcome="sent"})';
      await until('Mixpanel to be sent events again', sent, (events) => events > 0, 300_000);
    },
  };
}

/** Attio answers, but not as it should. */
export function failingDestination(): Act {
  let jobId = '';
  return {
    title: 'Attio answers with errors only',
    fires: ['FullSyncDestinationFailing'],
    lasting: ['FullSyncDestinationFailing'],
    begin: async ({ fault, system }) => {
      await fault({ platform: 'attio', kind: 'status', status: 503, probability: 1 });
      jobId = await system.client.execute({ platforms: ['smartlead'], enableAttioSync: true });
    },
    end: async ({ clearFaults, waitForEnd, until }) => {
      await clearFaults();
      await waitForEnd(jobId);
      const sent = 'sum(full_sync_deliveries_total{destination="attio", outcome="sent"})';
      await until('Attio to be sent events again', sent, (events) => events > 0, 300_000);
    },
  };
}

/** A rule of the project in Mixpanel refuses some events. */
export function refusedEvents(): Act {
  let jobId = '';
  return {
    title: 'a rule in Mixpanel refuses events',
    fires: ['FullSyncDeliveriesRefused', 'FullSyncDeadLetters'],
    lasting: ['FullSyncDeliveriesRefused', 'FullSyncDeadLetters'],
    begin: async ({ configure, system }) => {
      const refusals = [{ property: 'event_type', value: 'email_bounced', message: 'not in this project' }];
      await configure('mixpanel', { refusals });
      jobId = await system.client.execute({ platforms: ['lemlist'], enableMixpanelTracking: true });
    },
    end: async ({ configure, waitForEnd }) => {
      await configure('mixpanel', { refusals: [] });
      await waitForEnd(jobId);
    },
  };
}
