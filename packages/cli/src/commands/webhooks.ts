import type { Command } from 'commander';
import { ensureWebhookSecret, listWebhooks } from '@full-sync/database';
import type { WebhookDelivery } from '@full-sync/database';
import { loadConfig, secretText } from '@full-sync/runtime';
import Type from 'typebox';
import { withDatabase } from '../database.ts';
import { CliError, exitCodes } from '../errors.ts';
import { list } from '../format.ts';
import { printJson, printNote, printResult } from '../output.ts';
import { readSettings } from '../settings.ts';

/** Adds `webhooks secret` and `webhooks deliveries`; `done` takes the exit code. */
export function registerWebhooks(program: Command, done: (exitCode: number) => void): void {
  const webhooks = program.command('webhooks').description('the secret and the delivery log of completion webhooks');
  const command = (name: string, description: string): Command =>
    webhooks.command(name).description(description).option('--json', 'print JSON only', false);
  command('secret', 'show the secret that signs them').action(async (options: { json: boolean }) => {
    readSettings();
    done(await runSecret(options));
  });
  command('deliveries', 'list them with every attempt, newest first')
    .option('--job <jobId>', 'of one job')
    .option('--limit <n>', 'webhooks to show, 1 to 1000', '20')
    .action(async (options: DeliveriesOptions) => {
      readSettings();
      done(await runDeliveries(options));
    });
}

/** Prints the secret, made now if the api has not yet: a receiver can be set up before the first start. */
async function runSecret({ json }: { readonly json: boolean }): Promise<number> {
  const { WEBHOOK_SECRET } = loadConfig(Type.Object({ WEBHOOK_SECRET: Type.Optional(secretText()) }));
  const secret = WEBHOOK_SECRET ?? (await withDatabase(async (db) => await ensureWebhookSecret(db.pool)));
  const source = WEBHOOK_SECRET === undefined ? 'database' : 'WEBHOOK_SECRET';
  if (json) {
    printJson({ secret, source });
    return exitCodes.completed;
  }
  if (source === 'database') printNote('Unless the api is started with a WEBHOOK_SECRET of its own:');
  printResult(secret);
  return exitCodes.completed;
}

interface DeliveriesOptions {
  readonly job?: string;
  readonly limit: string;
  readonly json: boolean;
}

async function runDeliveries({ job, limit, json }: DeliveriesOptions): Promise<number> {
  const count = /^\d{1,4}$/.test(limit) ? Number(limit) : 0;
  if (count < 1 || count > 1_000)
    throw new CliError(exitCodes.usage, `--limit: expected a whole number from 1 to 1000; got "${limit}"`);
  const filter = { jobId: job ?? null, limit: count };
  const webhooks = await withDatabase(async (db) => await listWebhooks(db.pool, filter));
  if (json) {
    printJson({ deliveries: webhooks.map(shown) });
    return exitCodes.completed;
  }
  if (webhooks.length === 0) printResult('No webhook has been queued.');
  else
    printResult(list([['job', 'receiver', 'status', 'attempt', 'at', 'took', 'answer'], ...webhooks.flatMap(rowsOf)]));
  return exitCodes.completed;
}

/** The receiver's host only: the path and the query of its URL may be its secrets (I7). */
function receiverOf({ url }: WebhookDelivery): string {
  return URL.parse(url)?.origin ?? 'an unreadable URL';
}

function shown(webhook: WebhookDelivery): object {
  return {
    webhook_id: webhook.webhookId,
    jobId: webhook.jobId,
    receiver: receiverOf(webhook),
    status: webhook.status,
    created_at: webhook.createdAt,
    next_attempt_at: webhook.nextAttemptAt,
    attempts: webhook.attempts.map(({ attempt, at, httpStatus, error, durationMs }) => ({
      attempt,
      at,
      http_status: httpStatus,
      error,
      duration_ms: durationMs,
    })),
  };
}

/** A row for the webhook, with its last attempt, and one for each attempt before. */
function rowsOf(webhook: WebhookDelivery): readonly (readonly string[])[] {
  const { jobId, status, nextAttemptAt } = webhook;
  const head = [jobId, receiverOf(webhook), status];
  if (webhook.attempts.length === 0) return [[...head, '-', '-', '-', 'not sent yet']];
  return webhook.attempts
    .toReversed()
    .map((attempt, index) => [
      ...(index === 0 ? head : ['', '', '']),
      String(attempt.attempt),
      clock(attempt.at),
      attempt.durationMs === null ? '-' : `${attempt.durationMs} ms`,
      index === 0 && nextAttemptAt !== null
        ? `${answerOf(attempt)}; again at ${clock(nextAttemptAt)}`
        : answerOf(attempt),
    ]);
}

function answerOf({ httpStatus, error, durationMs }: WebhookDelivery['attempts'][number]): string {
  if (durationMs === null) return 'unknown: under way, or its process ended';
  return error ?? String(httpStatus);
}

function clock(time: string): string {
  return time.slice(0, 19).replace('T', ' ');
}
