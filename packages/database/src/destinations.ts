import type { Queryable } from './database.ts';

/** Notes that the service of a destination runs with this database. */
export async function noteDestination(queryable: Queryable, destination: string): Promise<void> {
  await queryable.query(
    `insert into destinations (destination) values ($1) on conflict (destination) do update set started_at = now()`,
    [destination],
  );
}

/** The destinations whose service has ever run with this database, by name. */
export async function listDestinations(queryable: Queryable): Promise<readonly string[]> {
  const { rows } = await queryable.query<{ destination: string }>(
    'select destination from destinations order by destination',
  );
  return rows.map(({ destination }) => destination);
}
