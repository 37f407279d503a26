export { connectDatabase, sqlState } from './database.ts';
export type { Client, Database, Queryable } from './database.ts';
export { migrate } from './migrate.ts';
export { accountKeyHash, ensureAccount } from './accounts.ts';
