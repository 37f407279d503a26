import { randomBytes } from 'node:crypto';
import type { Queryable } from './database.ts';

const prefix = 'whsec_';
const minKeyBytes = 24;
const maxKeyBytes = 64;

/** The key in `whsec_` and the base64 of 24 to 64 bytes (Standard Webhooks, "signature scheme"); null for other texts. */
export function webhookKeyOf(secret: string): Buffer | null {
  const encoded = secret.slice(prefix.length);
  if (!secret.startsWith(prefix) || !/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) return null;
  const key = Buffer.from(encoded, 'base64');
  return key.length >= minKeyBytes && key.length <= maxKeyBytes ? key : null;
}

/** The secret that is stored; made now when there is none, and then the same for all processes. */
export async function ensureWebhookSecret(queryable: Queryable): Promise<string> {
  const proposed = prefix + randomBytes(32).toString('base64');
  await queryable.query('insert into webhook_secret (secret) values ($1) on conflict do nothing', [proposed]);
  const { rows } = await queryable.query<{ secret: string }>('select secret from webhook_secret');
  const secret = rows[0]?.secret;
  if (secret === undefined) throw new Error('the webhook secret was not stored');
  return secret;
}
