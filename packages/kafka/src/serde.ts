import { setTimeout } from 'node:timers/promises';
import { COMPATIBILITY, SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import avro from 'avsc';
import type { Resolver, Type } from 'avsc';
import { EnvironmentError, FullSyncError } from '@full-sync/runtime';
import type { RegistrySettings } from '@full-sync/runtime';
import { avroType, schemaText, topics } from '@full-sync/schemas';
import type { SchemaName, TopicName, TopicValues } from '@full-sync/schemas';
import { messageOf } from './client.ts';

/** A value that is not in the registry's wire format, or does not fit its schema: the record's own fault. */
export class UndecodableError extends FullSyncError {
  constructor(message: string, cause?: unknown) {
    super('RECORD_UNDECODABLE', message, { hint: 'The record was not written by this system.', cause });
  }
}

export interface Codec<N extends TopicName> {
  /** The registry's id of this release's schema. */
  readonly schemaId: number;
  /** Registry wire format: a zero byte, the id as a 4-byte big-endian integer, the Avro body. */
  readonly encode: (value: TopicValues[N]) => Buffer;
  /** Fetches the schemas of ids not met before, so that `decode` can be called on these values. */
  readonly prepare: (values: Iterable<Buffer | null>) => Promise<void>;
  /** Reads a value written by this or another release. @throws UndecodableError */
  readonly decode: (value: Buffer | null) => TopicValues[N];
}

export interface Serde {
  readonly codec: <N extends TopicName>(topic: N) => Codec<N>;
}

const headerBytes = 5;

/**
 * Registers the schema of every topic under `<topic>-value` with FULL_TRANSITIVE compatibility (I8) and returns the
 * codecs. Registering again gives the same ids.
 *
 * @throws EnvironmentError when the registry does not answer or refuses a schema.
 */
export async function connectSerde(options: {
  readonly config: RegistrySettings;
  readonly named: (topic: string) => string;
}): Promise<Serde> {
  const { config, named } = options;
  const registry = new SchemaRegistry({
    host: config.SCHEMA_REGISTRY_URL.replace(/\/+$/, ''),
    ...(config.SCHEMA_REGISTRY_USERNAME === undefined
      ? {}
      : { auth: { username: config.SCHEMA_REGISTRY_USERNAME, password: config.SCHEMA_REGISTRY_PASSWORD ?? '' } }),
    retry: { retries: 3, initialRetryTimeInSecs: 0.2 },
  });
  const ids = new Map<TopicName, number>();
  for (const topic of topics) {
    const subject = `${named(topic.name)}-value`;
    ids.set(topic.name, await registerSchema({ registry, config, subject, schema: topic.schema }));
  }
  const writers = new Map<number, Type>();
  return {
    codec: (topic) => {
      const id = ids.get(topic);
      const schema = topics.find((declared) => declared.name === topic)?.schema;
      if (id === undefined || schema === undefined) throw new Error(`the topic ${topic} is not declared`);
      return createCodec({ type: avroType(schema), id, registry, writers });
    },
  };
}

const maxAttempts = 6;

async function registerSchema(options: {
  readonly registry: SchemaRegistry;
  readonly config: RegistrySettings;
  readonly subject: string;
  readonly schema: SchemaName;
}): Promise<number> {
  const { registry, config, subject, schema } = options;
  const register = (): Promise<{ id: number }> =>
    registry.register(
      { type: SchemaType.AVRO, schema: schemaText(schema) },
      { subject, compatibility: COMPATIBILITY.FULL_TRANSITIVE },
    );
  try {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return (await register()).id;
      } catch (error) {
        // Another process registers the same subject right now, or one died between the two requests of a registration.
        if (attempt === maxAttempts || !/already exists|Compatibility does not match/.test(messageOf(error)))
          throw error;
        await setTimeout(Math.random() * 200 * attempt);
        await setCompatibility(config, subject);
      }
    }
  } catch (error) {
    throw new EnvironmentError(
      `The schema registry at ${config.SCHEMA_REGISTRY_URL} did not take ${subject}: ${messageOf(error)}`,
      {
        hint: 'Check SCHEMA_REGISTRY_URL. An incompatible schema needs a new topic, not a new version.',
        cause: error,
      },
    );
  }
}

async function setCompatibility(config: RegistrySettings, subject: string): Promise<void> {
  const headers: Record<string, string> = { 'content-type': 'application/vnd.schemaregistry.v1+json' };
  if (config.SCHEMA_REGISTRY_USERNAME !== undefined) {
    const credentials = `${config.SCHEMA_REGISTRY_USERNAME}:${config.SCHEMA_REGISTRY_PASSWORD ?? ''}`;
    headers['authorization'] = `Basic ${Buffer.from(credentials).toString('base64')}`;
  }
  const url = `${config.SCHEMA_REGISTRY_URL.replace(/\/+$/, '')}/config/${encodeURIComponent(subject)}`;
  const answer = await fetch(url, { method: 'PUT', headers, body: '{"compatibility":"FULL_TRANSITIVE"}' });
  // 409: somebody else has just set it.
  if (!answer.ok && answer.status !== 409) throw new Error(`PUT /config/${subject} answered ${answer.status}`);
}

function createCodec<N extends TopicName>(options: {
  readonly type: Type;
  readonly id: number;
  readonly registry: SchemaRegistry;
  readonly writers: Map<number, Type>;
}): Codec<N> {
  const { type, id, registry, writers } = options;
  /** How to read each writer's values: `null` as our own, `unreadable` not at all. */
  const resolvers = new Map<number, Resolver | null | 'unreadable'>([[id, null]]);
  let slab = Buffer.allocUnsafe(262_144);
  let used = 0;

  const encode = (value: TopicValues[N]): Buffer => {
    for (;;) {
      const end = slab.length - used > headerBytes ? type.encode(value, slab, used + headerBytes) : -1;
      if (end > 0) {
        slab[used] = 0;
        slab.writeInt32BE(id, used + 1);
        const encoded = slab.subarray(used, end);
        used = end;
        return encoded;
      }
      // Encoded values keep their slab alive until they are sent; a value larger than a slab gets one of its own.
      const needed = end < 0 && used === 0 ? slab.length - end + headerBytes : 262_144;
      slab = Buffer.allocUnsafe(Math.max(needed, 262_144));
      used = 0;
    }
  };

  return {
    schemaId: id,
    encode,
    prepare: async (values) => {
      for (const value of values) {
        const found = schemaIdOf(value);
        if (found === null || resolvers.has(found)) continue;
        const writer = writers.get(found) ?? (await fetchWriter(registry, found));
        if (writer !== null) writers.set(found, writer);
        resolvers.set(found, writer === null ? 'unreadable' : resolverOf(type, writer));
      }
    },
    decode: (value) => {
      const found = schemaIdOf(value);
      const resolver = found === null ? undefined : resolvers.get(found);
      if (value === null || resolver === undefined) throw new UndecodableError('not in the registry wire format');
      if (resolver === 'unreadable') throw new UndecodableError(`no schema ${String(found)} that fits the topic`);
      try {
        const decoded: TopicValues[N] =
          resolver === null
            ? type.fromBuffer(value.subarray(headerBytes))
            : type.fromBuffer(value.subarray(headerBytes), resolver);
        return decoded;
      } catch (error) {
        throw new UndecodableError(`does not fit schema ${String(found)}: ${messageOf(error)}`, error);
      }
    },
  };
}

/** The schema id in a value's header, or null where there is none. */
export function schemaIdOf(value: Buffer | null): number | null {
  return value !== null && value.length > headerBytes && value[0] === 0 ? value.readInt32BE(1) : null;
}

/** The schema of that id, or null when the registry has none: then the id is no id, and the value is at fault. */
async function fetchWriter(registry: SchemaRegistry, id: number): Promise<Type | null> {
  try {
    const schema = await registry.getSchema(id);
    // The client's type is built by its own avsc; ours is needed to resolve against.
    return avro.Type.forSchema(JSON.parse(JSON.stringify(schema)));
  } catch (error) {
    if (error instanceof Error && 'status' in error && error.status === 404) return null;
    throw error;
  }
}

/** How values of `writer` are read as `type`; a schema of another kind of record cannot be. */
function resolverOf(type: Type, writer: Type): Resolver | null | 'unreadable' {
  if (writer.fingerprint().equals(type.fingerprint())) return null;
  try {
    return type.createResolver(writer);
  } catch (error) {
    // avsc says so with a plain Error; it throws for nothing else.
    if (error instanceof Error) return 'unreadable';
    throw error;
  }
}
