import { createRequire } from 'node:module';
import type { Kafka } from 'kafkajs';
import { createCluster } from './cluster.ts';
import type { Encoder } from './cluster.ts';

/*
 * Topic ids come with Metadata version 10 and later, kafkajs stops at 6. This sends one such request over kafkajs'
 * own connection, so that TLS and SASL are its business. Kafka protocol guide, Metadata API, version 10.
 */

const nodeRequire = createRequire(import.meta.url);

/**
 * The ids (uuid text) that the broker gave the topics at their creation; a topic that does not exist is left out.
 * A recreated topic has another id: offsets of the old one say nothing about it.
 */
export async function fetchTopicIds(kafka: Kafka, topics: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const cluster = createCluster(kafka);
  await cluster.connect();
  try {
    await cluster.refreshMetadata();
    const broker = await cluster.findControllerBroker();
    return await broker.connectionPool.send({
      request: { apiKey: 3, apiVersion: 10, apiName: 'Metadata', encode: async () => encodeRequest(topics) },
      response: { decode: async (payload) => payload, parse: async (payload) => decodeTopicIds(payload) },
    });
  } finally {
    await cluster.disconnect();
  }
}

function encodeRequest(topics: readonly string[]): Encoder {
  const EncoderClass: new () => Encoder = nodeRequire('kafkajs/src/protocol/encoder.js');
  // The first byte closes the request header of a flexible version (no tagged fields); kafkajs writes the header before.
  const parts: Buffer[] = [Buffer.from([0]), unsignedVarint(topics.length + 1)];
  for (const topic of topics) {
    const name = Buffer.from(topic, 'utf8');
    parts.push(Buffer.alloc(16), unsignedVarint(name.length + 1), name, Buffer.from([0]));
  }
  parts.push(Buffer.from([0, 0, 0, 0]));
  return new EncoderClass().writeBuffer(Buffer.concat(parts));
}

function unsignedVarint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 127) {
    bytes.push((rest & 127) | 128);
    rest >>>= 7;
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}

/** Reads a Metadata response of version 10 (after the correlation id): topic name → id. */
function decodeTopicIds(payload: Buffer): ReadonlyMap<string, string> {
  const reader = new FlexibleReader(payload);
  reader.skipTags();
  reader.int32();
  reader.array(() => {
    reader.int32();
    reader.text();
    reader.int32();
    reader.text();
    reader.skipTags();
  });
  reader.text();
  reader.int32();
  const ids = new Map<string, string>();
  reader.array(() => {
    const errorCode = reader.int16();
    const name = reader.text();
    const id = reader.uuid();
    reader.int8();
    reader.array(() => {
      reader.int16();
      reader.int32();
      reader.int32();
      reader.int32();
      for (let list = 0; list < 3; list += 1) reader.array(() => reader.int32());
      reader.skipTags();
    });
    reader.int32();
    reader.skipTags();
    if (errorCode === 0 && name !== null) ids.set(name, id);
  });
  return ids;
}

class FlexibleReader {
  readonly #buffer: Buffer;
  #offset = 0;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  int8(): number {
    return this.#buffer.readInt8(this.#advance(1));
  }

  int16(): number {
    return this.#buffer.readInt16BE(this.#advance(2));
  }

  int32(): number {
    return this.#buffer.readInt32BE(this.#advance(4));
  }

  uuid(): string {
    const at = this.#advance(16);
    const hex = this.#buffer.toString('hex', at, at + 16);
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
  }

  text(): string | null {
    const length = this.#unsigned();
    if (length === 0) return null;
    const at = this.#advance(length - 1);
    return this.#buffer.toString('utf8', at, at + length - 1);
  }

  array(read: () => void): void {
    const length = this.#unsigned();
    for (let index = 1; index < length; index += 1) read();
  }

  skipTags(): void {
    const tags = this.#unsigned();
    for (let index = 0; index < tags; index += 1) {
      this.#unsigned();
      this.#advance(this.#unsigned());
    }
  }

  #unsigned(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.#buffer.readUInt8(this.#advance(1));
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  }

  #advance(bytes: number): number {
    const at = this.#offset;
    this.#offset += bytes;
    return at;
  }
}
