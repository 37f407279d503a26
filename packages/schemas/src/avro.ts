import { readFileSync } from 'node:fs';
import avro from 'avsc';
import type { Schema, Type } from 'avsc';
import type { SchemaName } from './topics.ts';

export interface RawRecord {
  readonly job_id: string;
  readonly stream_id: number;
  readonly chunk: number;
  readonly namespace: string;
  readonly platform: string;
  readonly source: string;
  readonly campaign_id: string | null;
  readonly campaign_name: string | null;
  readonly fetched_at: number;
  readonly record: string;
}

/** The canonical event with its key and its source position (docs/events: fields). Times are ms since 1970. */
export interface OutreachEvent {
  readonly event_key: string;
  readonly namespace: string;
  readonly platform: string;
  readonly event_type: string;
  readonly source_type: string;
  readonly campaign_id: string | null;
  readonly campaign_name: string | null;
  readonly source_id: string | null;
  readonly lead_email: string | null;
  readonly lead_id: string | null;
  readonly occurred_at: number;
  readonly occurred_at_approximate: boolean;
  readonly properties: string;
  readonly fingerprint: Buffer;
  readonly job_id: string;
  readonly source_topic_id: string;
  readonly source_offset: number;
  readonly source_index: number;
  readonly source_count: number;
  readonly fetched_at: number;
}

export interface DeadLetter {
  readonly stage: string;
  readonly code: string;
  readonly detail: string;
  readonly pointer: string | null;
  readonly origin: string;
  readonly origin_topic: string | null;
  readonly origin_partition: number | null;
  readonly origin_offset: number | null;
  readonly origin_index: number | null;
  readonly stream_id: number | null;
  readonly job_id: string | null;
  readonly namespace: string | null;
  readonly platform: string | null;
  readonly attempt: number;
  readonly failed_at: number;
  readonly record: Buffer;
  readonly record_bytes: number;
  readonly record_sha256: Buffer;
  readonly truncated: boolean;
}

export interface ControlMessage {
  readonly subject: string;
  readonly issued_at: number;
  readonly issued_by: string;
}

export interface ServiceTelemetry {
  readonly service: string;
  readonly instance: string;
  readonly at: number;
  readonly gauges: Readonly<Record<string, number>>;
}

/** What the values of each topic are. */
export interface TopicValues {
  readonly 'outreach.smartlead.raw': RawRecord;
  readonly 'outreach.lemlist.raw': RawRecord;
  readonly 'outreach.events': OutreachEvent;
  readonly 'outreach.dead-letters': DeadLetter;
  readonly 'sync.control': ControlMessage;
  readonly 'service.telemetry': ServiceTelemetry;
}

/** The text of a schema as it is registered. */
export function schemaText(name: SchemaName): string {
  return readFileSync(new URL(`../avro/${name}.avsc`, import.meta.url), 'utf8');
}

const types = new Map<SchemaName, Type>();

/** The avsc type of a schema, built once. Logical types stay plain numbers (ms since 1970). */
export function avroType(name: SchemaName): Type {
  const known = types.get(name);
  if (known) return known;
  const parsed: Schema = JSON.parse(schemaText(name));
  const type = avro.Type.forSchema(parsed);
  types.set(name, type);
  return type;
}
