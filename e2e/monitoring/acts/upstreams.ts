import type { Act } from '../stage.ts';

/** Nothing that is asked of Lemlist is answered. */
export function failingUpstream(): Act {
  let jobId = '';
  return {
    title: 'the upstream answers with errors only',
    fires: ['FullSyncUpstreamFailing', 'FullSyncCircuitOpen'],
    lasting: ['FullSyncUpstreamFailing'],
    begin: async ({ fault, system }) => {
      await fault({ platform: 'lemlist', kind: 'status', status: 503, probability: 1 });
      jobId = await system.client.execute({ platforms: ['lemlist'] });
    },
    end: async ({ clearFaults, waitForEnd }) => {
      await clearFaults();
      const { status } = await waitForEnd(jobId, 240_000);
      if (status !== 'completed') throw new Error(`the job that met errors is ${status}`);
    },
  };
}

/** Somebody else uses the key up. */
export function throttlingUpstream(): Act {
  let jobId = '';
  return {
    title: 'the upstream refuses requests for their rate',
    fires: ['FullSyncUpstreamThrottled'],
    lasting: ['FullSyncUpstreamThrottled'],
    begin: async ({ fault, system }) => {
      await fault({ platform: 'smartlead', kind: 'status', status: 429, retryAfter: 1, count: 6 });
      jobId = await system.client.execute({ platforms: ['smartlead'] });
    },
    end: async ({ clearFaults, waitForEnd }) => {
      await clearFaults();
      await waitForEnd(jobId, 180_000);
    },
  };
}
