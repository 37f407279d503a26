import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Act, Stage } from '../stage.ts';

async function failed({ system, waitForEnd }: Stage, body: Readonly<Record<string, unknown>>): Promise<void> {
  const jobId = await system.client.execute(body);
  const { status } = await waitForEnd(jobId, 360_000);
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
/** More than one, and apart: a series that begins with its first request tells nothing of that one. */
const ROUNDS = 4;
const REQUESTS = 60;

/** A table that only some requests need is away. */
export function brokenApi(): Act {
  const ask = async ({ system }: Stage, key: string): Promise<number> => {
    const response = await fetch(`${system.client.api}/api/full-sync/execute`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify({ platforms: ['smartlead'], syncMode: 'full_historical' }),
    });
    await response.body?.cancel();
    return response.status;
  };
  return {
    title: 'a table of the api is away, and requests fail',
    fires: ['FullSyncApiFailing'],
    lasting: ['FullSyncApiFailing'],
    begin: async (stage) => {
      const { pool } = stage.system;
      await pool.query(`alter table ${TABLE} rename to ${TABLE}_away`);
      try {
        for (let round = 0; round < ROUNDS; round += 1) {
          const keys = Array.from({ length: REQUESTS }, (_, index) => `monitoring-${round}-${index}`);
          const statuses = await Promise.all(keys.map((key) => ask(stage, key)));
          const others = statuses.filter((status) => status < 500);
          if (others.length > 0) throw new Error(`the api answered ${[...new Set(others)].join(', ')}`);
          await delay(2_000);
        }
      } finally {
        await pool.query(`alter table ${TABLE}_away rename to ${TABLE}`);
      }
    },
    end: async () => undefined,
  };
}
