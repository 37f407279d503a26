import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { from as copyFrom } from 'pg-copy-streams';
import type { Client } from '@full-sync/database';
import { copyHeader, copyTrailer } from './domain/copy-rows.ts';
import { copyColumns } from './domain/transcode.ts';

const chunkBytes = 262_144;
const columnList = copyColumns.join(', ');

/**
 * Streams rows that are already encoded (bytes of `CopyRows`) into a table with a binary COPY and returns how many rows
 * the server took. Nothing is computed while the COPY is open: a row lock may be held.
 */
export async function copyRows(client: Client, table: string, rows: Buffer): Promise<number> {
  const stream = client.query(copyFrom(`copy ${quoteName(table)} (${columnList}) from stdin (format binary)`));
  await pipeline(Readable.from(chunks(rows), { objectMode: true }), stream);
  return stream.rowCount;
}

function* chunks(rows: Buffer): Generator<Buffer, void, undefined> {
  yield copyHeader;
  for (let at = 0; at < rows.length; at += chunkBytes) yield rows.subarray(at, at + chunkBytes);
  yield copyTrailer;
}

/** A name as an SQL identifier. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
