import { createHmac } from 'node:crypto';

/**
 * The headers of one attempt to send `body` (Standard Webhooks): the id, the time of the attempt in seconds since 1970,
 * and `v1,` with the base64 of HMAC-SHA256 over `id.time.body`.
 */
export function signWebhook(
  key: Buffer,
  message: { readonly webhookId: string; readonly sentAtMs: number; readonly body: string },
): Readonly<Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string>> {
  const { webhookId, body } = message;
  const timestamp = String(Math.floor(message.sentAtMs / 1000));
  const signature = createHmac('sha256', key).update(`${webhookId}.${timestamp}.${body}`).digest('base64');
  return { 'webhook-id': webhookId, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` };
}
