import { migrateDatabase } from '../database.ts';
import { exitCodes } from '../errors.ts';
import { printJson, printResult } from '../output.ts';

/** Applies the migrations that are missing and names them. Every service does so at its start; this is for doing it beforehand. */
export async function runMigrate({ json }: { readonly json: boolean }): Promise<number> {
  const applied = await migrateDatabase();
  if (json) printJson({ applied });
  else printResult(applied.length === 0 ? 'The schema is the one of this release.' : `Applied: ${applied.join(', ')}`);
  return exitCodes.completed;
}
