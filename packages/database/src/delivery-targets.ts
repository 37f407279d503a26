import type { Queryable } from './database.ts';

/** The number of a target (a hash of where events go) in the ledger; made at its first use. */
export async function ensureDeliveryTarget(
  queryable: Queryable,
  target: { readonly destination: string; readonly hash: string },
): Promise<number> {
  const find = async (): Promise<number | undefined> => {
    const { rows } = await queryable.query<{ target_id: number }>(
      'select target_id from delivery_targets where destination = $1 and target_hash = $2',
      [target.destination, target.hash],
    );
    return rows[0]?.target_id;
  };
  const known = await find();
  if (known !== undefined) return known;
  await queryable.query(
    'insert into delivery_targets (destination, target_hash) values ($1, $2) on conflict do nothing',
    [target.destination, target.hash],
  );
  const made = await find();
  if (made === undefined) throw new Error('the target vanished');
  return made;
}
