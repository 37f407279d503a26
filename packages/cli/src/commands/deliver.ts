import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { cancelBackfill, insertBackfill, listBackfills, listDestinations, readBackfill } from '@full-sync/database';
import type { Backfill, Database } from '@full-sync/database';
import { destinationNames } from '@full-sync/schemas';
import { withDatabase } from '../database.ts';
import { CliError, exitCodes } from '../errors.ts';
import { decimal, list } from '../format.ts';
import { printJson, printNote, printResult } from '../output.ts';
import { readSettings } from '../settings.ts';

interface DeliverOptions {
  readonly destination: string;
  readonly namespace: string;
  readonly since?: string;
  readonly detach: boolean;
  readonly json: boolean;
}

const lookEveryMs = 500;
/** Then it is said that nobody has taken the order up. */
const patienceMs = 10_000;

/** Adds `deliver` and what shows and ends its orders; `done` takes the exit code. */
export function registerDeliver(program: Command, done: (exitCode: number) => void): void {
  const deliver = program
    .command('deliver')
    .description('send what is stored and was not delivered yet to a destination, such as mixpanel or attio')
    .option('--json', 'print JSON only', false);
  deliver
    .requiredOption('--destination <name>', 'mixpanel, attio, or the name of another destination')
    .requiredOption('--namespace <namespace>', 'whose events')
    .option('--since <date>', 'only what happened from this day (UTC) or instant on')
    .option('--detach', 'return as soon as the order is stored', false)
    .action(async (options: DeliverOptions) => {
      readSettings();
      done(await runDeliver(options));
    });
  const orders = program.command('deliveries').description('the orders that "deliver" has stored');
  const command = (name: string, description: string): Command =>
    orders.command(name).description(description).option('--json', 'print JSON only', false);
  command('list', 'list them, newest first').action(async (options: { json: boolean }) => {
    readSettings();
    done(await runList(options));
  });
  command('watch <id>', 'follow one to its end').action(async (id: string, options: { json: boolean }) => {
    readSettings();
    done(await withDatabase((db) => follow(db, id, options.json)));
  });
  command('cancel <id>', 'end one; what it has sent stays sent').action(
    async (id: string, options: { json: boolean }) => {
      readSettings();
      done(await runCancel(id, options));
    },
  );
}

/** Stores the order and follows it: the destination's service works it off, whatever becomes of this process. */
async function runDeliver(options: DeliverOptions): Promise<number> {
  const { destination, namespace, detach, json } = options;
  if (!/^[a-z][a-z0-9_-]*$/.test(destination))
    throw new CliError(exitCodes.usage, `--destination: expected a name such as mixpanel; got "${destination}"`);
  const since = options.since === undefined ? null : readSince(options.since);
  const backfillId = `deliver_${Date.now().toString(36)}${randomBytes(6).toString('hex')}`;
  return await withDatabase(async (db) => {
    await refuseUnknown(db, destination);
    const stored = await insertBackfill(db.pool, { backfillId, destination, namespace, since });
    if (!stored) throw new CliError(exitCodes.failed, `There is no namespace ${namespace}.`);
    if (!json) printNote(`Order ${backfillId} is stored: the ${destination} service works it off.`);
    if (!detach) return await follow(db, backfillId, json);
    if (json) printJson({ id: backfillId });
    else printResult(backfillId);
    return exitCodes.completed;
  });
}

/** An order for a destination that there is not would wait for ever. */
async function refuseUnknown(db: Database, destination: string): Promise<void> {
  const known = new Set<string>([...destinationNames, ...(await listDestinations(db.pool))]);
  if (known.has(destination)) return;
  throw new CliError(
    exitCodes.usage,
    `--destination: there is no destination ${destination}; expected one of ${[...known].toSorted().join(', ')}`,
    'one of your own is known once its service has run with this database',
  );
}

async function follow(db: Database, backfillId: string, json: boolean): Promise<number> {
  const beganAt = performance.now();
  let said = '';
  let warned = false;
  for (;;) {
    const order = await readBackfill(db.pool, backfillId);
    if (order === null) throw new CliError(exitCodes.failed, `There is no order ${backfillId}.`);
    if (order.endedAt !== null) {
      if (json) printJson(shown(order));
      else printResult(resultOf(order));
      return order.status === 'done' ? exitCodes.completed : exitCodes.failed;
    }
    const line = progressOf(order);
    if (!json && line !== said) printNote(line);
    said = line;
    if (!json && !warned && order.status === 'waiting' && performance.now() - beganAt > patienceMs) {
      printNote(
        `No ${order.destination} service has taken it up yet: is one running with this database? The order stays, and Ctrl-C here does not end it.`,
      );
      warned = true;
    }
    await sleep(lookEveryMs);
  }
}

async function runList({ json }: { readonly json: boolean }): Promise<number> {
  const orders = await withDatabase((db) => listBackfills(db.pool, 50));
  if (json) printJson({ deliveries: orders.map(shown) });
  else if (orders.length === 0) printResult('Nothing has been ordered.');
  else
    printResult(
      list([
        ['id', 'destination', 'namespace', 'since', 'status', 'looked at', 'sent', 'skipped', 'failed'],
        ...orders.map((order) => [
          order.backfillId,
          order.destination,
          order.namespace,
          order.since?.toISOString() ?? 'all',
          order.status,
          lookedAt(order),
          ...[order.sent, order.skipped, order.failed].map(decimal),
        ]),
      ]),
    );
  return exitCodes.completed;
}

async function runCancel(id: string, { json }: { readonly json: boolean }): Promise<number> {
  return await withDatabase(async (db) => {
    const cancelled = await cancelBackfill(db.pool, id);
    const order = await readBackfill(db.pool, id);
    if (order === null) throw new CliError(exitCodes.failed, `There is no order ${id}.`);
    if (json) printJson(shown(order));
    else printResult(cancelled ? resultOf(order) : `It had ended before. ${resultOf(order)}`);
    return cancelled ? exitCodes.completed : exitCodes.failed;
  });
}

function progressOf(order: Backfill): string {
  const waiting = order.waitingFor === null ? '' : `, waiting: ${order.waitingFor}`;
  return `${order.status}  ${lookedAt(order)} events looked at, ${countsOf(order)}${waiting}`;
}

function resultOf(order: Backfill): string {
  const why =
    typeof order.error === 'object' && order.error !== null && 'message' in order.error
      ? ` ${String(order.error.message)}`
      : '';
  return `${order.backfillId} ${order.status}: ${lookedAt(order)} events looked at, ${countsOf(order)}.${why}`;
}

function countsOf({ sent, skipped, failed }: Backfill): string {
  return `${decimal(sent)} sent, ${decimal(skipped)} skipped (delivered before, or not meant for it), ${decimal(failed)} failed`;
}

function lookedAt({ total, lookedAt: looked }: Backfill): string {
  return total === null ? decimal(looked) : `${decimal(looked)} of ${decimal(total)}`;
}

function shown(order: Backfill): object {
  return {
    id: order.backfillId,
    destination: order.destination,
    namespace: order.namespace,
    since: order.since,
    status: order.status,
    total: order.total,
    looked_at: order.lookedAt,
    sent: order.sent,
    skipped: order.skipped,
    failed: order.failed,
    waiting_for: order.waitingFor,
    error: order.error,
    created_at: order.createdAt,
    ended_at: order.endedAt,
  };
}

/** A day is taken from its beginning, an instant without a zone as UTC. */
function readSince(text: string): Date {
  const parts = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)(Z|[+-]\d{2}:\d{2})?)?$/.exec(
    text.trim(),
  );
  const since = parts === null ? null : new Date(`${parts[1] ?? ''}T${parts[2] ?? '00:00'}${parts[3] ?? 'Z'}`);
  // A day that there is not would be another one.
  const real = since !== null && !Number.isNaN(since.getTime()) && isDay(parts?.[1] ?? '');
  if (!real)
    throw new CliError(
      exitCodes.usage,
      `--since: expected a day (2024-01-31) or an instant (2024-01-31T12:00:00Z); got "${text}"`,
    );
  return since;
}

function isDay(day: string): boolean {
  const read = new Date(`${day}T00:00Z`);
  return !Number.isNaN(read.getTime()) && read.toISOString().startsWith(day);
}
