import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EnvironmentError } from '@full-sync/runtime';
import { schemaText, topicNames } from '@full-sync/schemas';
import { randomPrefix, stackAddresses } from '@full-sync/testing';
import { UndecodableError, connectSerde } from '../src/index.ts';

const registry = (): string => stackAddresses().schemaRegistryUrl;
const contentType = { 'content-type': 'application/vnd.schemaregistry.v1+json' };
const control = { subject: 'cache.clear', issued_at: 1_772_000_000_000, issued_by: 'test' };

async function post(path: string, schema: object): Promise<Response> {
  return await fetch(`${registry()}${path}`, {
    method: 'POST',
    headers: contentType,
    body: JSON.stringify({ schema: JSON.stringify(schema) }),
  });
}

test('registers each subject under FULL_TRANSITIVE, again with the same ids', async () => {
  const prefix = randomPrefix();
  const named = (topic: string): string => prefix + topic;
  const config = { SCHEMA_REGISTRY_URL: registry() };
  const [one, two] = await Promise.all([connectSerde({ config, named }), connectSerde({ config, named })]);
  for (const topic of Object.values(topicNames)) {
    assert.equal(one.codec(topic).schemaId, two.codec(topic).schemaId);
    const answer = await fetch(`${registry()}/config/${named(topic)}-value`);
    assert.deepEqual(await answer.json(), { compatibilityLevel: 'FULL_TRANSITIVE' });
  }
});

test('mends a subject that a crash left without its rule', async () => {
  const prefix = randomPrefix();
  const subject = `${prefix}${topicNames.control}-value`;
  const posted = await post(`/subjects/${subject}/versions`, JSON.parse(schemaText('control-message')));
  assert.equal(posted.status, 200);
  await connectSerde({ config: { SCHEMA_REGISTRY_URL: registry() }, named: (topic) => prefix + topic });
  const answer = await fetch(`${registry()}/config/${subject}`);
  assert.deepEqual(await answer.json(), { compatibilityLevel: 'FULL_TRANSITIVE' });
});

test('reads what the release before and the release after wrote', async () => {
  const prefix = randomPrefix();
  const serde = await connectSerde({ config: { SCHEMA_REGISTRY_URL: registry() }, named: (topic) => prefix + topic });
  const codec = serde.codec(topicNames.control);
  const later: { fields: object[] } = JSON.parse(schemaText('control-message'));
  later.fields.push({ name: 'reason', type: 'string', default: '' });
  const posted = await post(`/subjects/${prefix}${topicNames.control}-value/versions`, later);
  const { id } = (await posted.json()) as { id: number };
  assert.notEqual(id, codec.schemaId);

  const ours = codec.encode(control);
  assert.equal(ours[0], 0);
  assert.equal(ours.readInt32BE(1), codec.schemaId);
  // The later release appends its field: an empty string is one zero byte.
  const theirs = Buffer.concat([ours, Buffer.from([0])]);
  theirs.writeInt32BE(id, 1);
  await codec.prepare([ours, theirs, null]);
  assert.deepEqual({ ...codec.decode(ours) }, control);
  assert.deepEqual({ ...codec.decode(theirs) }, control);
  assert.throws(() => codec.decode(Buffer.from('no registry value')), UndecodableError);
  assert.throws(() => codec.decode(ours.subarray(0, ours.length - 2)), UndecodableError);
  assert.throws(() => codec.decode(null), UndecodableError);
});

test('values larger than a slab, and many small ones, come out as they went in', async () => {
  const prefix = randomPrefix();
  const serde = await connectSerde({ config: { SCHEMA_REGISTRY_URL: registry() }, named: (topic) => prefix + topic });
  const codec = serde.codec(topicNames.control);
  const values = Array.from({ length: 300 }, (_, n) => ({ ...control, issued_by: 'x'.repeat((n * 7_919) % 400_000) }));
  const encoded = values.map((value) => codec.encode(value));
  for (const [index, bytes] of encoded.entries()) assert.deepEqual({ ...codec.decode(bytes) }, values[index]);
});

test('says what to check when the registry does not answer', async () => {
  await assert.rejects(
    connectSerde({ config: { SCHEMA_REGISTRY_URL: 'http://127.0.0.1:9/apis' }, named: (topic) => topic }),
    (error: Error) => error instanceof EnvironmentError && /127\.0\.0\.1:9/.test(error.message),
  );
});
