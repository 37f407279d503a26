import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Act, Stage } from '../stage.ts';

async function failed({ system, waitForEnd }: Stage, body: Readonly<Record<string, unknown>>): Promise<void> {
  const jobId = await system.client.execute(body);
  const { status } = await waitForEnd(jobId, 180_000);
  if (status !== 'failed') throw new Error(`the job is ${status}, and not failed`);
}

/** The key is refused, the job fails, and its webhook goes to a receiver that is gone. */
export function refusedKey(): Act {
  return {
    title: 'the upstream refuses the key, and the receiver of the webhook is gone',
    fires: ['FullSyncKeyRefused', 'FullSyncJobsFailing', 'FullSyncWebhooksFailing'],
    lasting: ['FullSyncKeyRefused', 'FullSyncJobsFailing', 'FullSyncWebhooksFailing'],
    begin: async (stage) => {
      const receiver = createServer((_request, response) => response.writeHead(410).end());
      await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
      try {
        const { port } = receiver.address() as AddressInfo;
        await stage.fault({ platform: 'smartlead', kind: 'rejectKey', probability: 1 });
        await failed(stage, { platforms: ['smartlead'], webhookUrl: `http://127.0.0.1:${port}/` });
        const attempts = 'sum(full_sync_webhook_attempts_total{outcome="failed"})';
        await stage.until('the webhook to be given up', attempts, (count) => count > 0);
      } finally {
        receiver.close();
      }
    },
    end: async ({ clearFaults }) => await clearFaults(),
  };
}

const TABLE = 'idempotency_keys';

/** A table that only some requests need is away. */
export function brokenApi(): Act {
  return {
    title: 'a table of the api is away, and requests fail',
    fires: ['FullSyncApiFailing'],
    lasting: ['FullSyncApiFailing'],
    begin: async ({ system }) => {
      await system.pool.query(`alter table ${TABLE} rename to ${TABLE}_away`);
      try {
        const requests = Array.from({ length: 60 }, (_, index) =>
          fetch(`${system.client.api}/api/full-sync/execute`, {
            method: 'POST',
            headers: { 'content-type': 'application/json', 'idempotency-key': `monitoring-${index}` },
            body: JSON.stringify({ platforms: ['smartlead'], syncMode: 'full_historical' }),
          }).then(async (response) => {
            await response.body?.cancel();
            return response.status;
          }),
        );
        const statuses = await Promise.all(requests);
        if (!statuses.every((status) => status >= 500))
          throw new Error(`the api answered ${[...new Set(statuses)].join(', ')}`);
      } finally {
        await system.pool.query(`alter table ${TABLE}_away rename to ${TABLE}`);
      }
    },
    end: async () => undefined,
  };
}
