import type { Act } from '../stage.ts';

/** Nothing that is asked of Lemlist is answered. */
export function failingUpstream(): Act {
  let jobId = '';
  return {
    title: 'the upstream answers with errors only',
    fires: ['FullSyncUpstreamFailing', 'FullSyncCircuitOpen'],
    lasting: ['FullSyncUpstreamFailing'],
    begin: async ({ fault, system, until }) => {
      jobId = await system.client.execute({ platforms: ['lemlist'] });
      // With many walks under way; one alone backs off before the circuit has seen enough.
      const walks = 'max(full_sync_streams{platform="lemlist", state="working"})';
      await until('walks to be under way', walks, (count) => count > 1);
      await fault({ platform: 'lemlist', kind: 'status', status: 503, probability: 1 });
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
      await waitForEnd(jobId, 360_000);
    },
  };
}
