import { createHash } from 'node:crypto';
import { events, openReceiver } from './harness.ts';
import type { Bench, Receiver } from './harness.ts';

/** Where a namespace's events go, as the fixture has it. */
export function targetOf(receiver: Receiver, namespace: string): string {
  return createHash('sha256').update(`${receiver.url} ${namespace}`).digest('hex');
}

/** A receiver that refuses all of one namespace while `refuses` is true. */
export async function openRefusing(namespace: string) {
  const receiver = await openReceiver();
  const state = { refuses: true };
  receiver.answer = ({ target }) => ({ status: state.refuses && target === targetOf(receiver, namespace) ? 401 : 200 });
  return { receiver, state, env: { POST_URL: receiver.url, POST_SEVERAL_TARGETS: 'true' } };
}

export async function parkedEvents({ db }: Bench): Promise<number> {
  const { rows } = await db.pool.query<{ events: number }>('select count(*)::integer as events from parked_events');
  return rows[0]?.events ?? 0;
}

export const nothingParked = async ({ db }: Bench): Promise<boolean> =>
  (await db.pool.query('select from parked_lanes')).rowCount === 0;

/** Events of `good` and `bad` by turns, of seven people. */
export const mixed = (from: number, count: number) =>
  events(from, count, (n) => ({ namespace: n % 2 === 0 ? 'good' : 'bad', lead_email: `lead${n % 7}@example.test` }));
