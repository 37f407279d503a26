import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';

/* What patches/kafkajs@2.2.4.patch mends. */
const nodeRequire = createRequire(import.meta.url);

test('an idle request queue arms no timer (unpatched, it re-arms every millisecond for ever)', () => {
  const RequestQueue: new (options: object) => { checkPendingRequests: () => void; throttleCheckTimeoutId: unknown } =
    nodeRequire('kafkajs/src/network/requestQueue');
  const queue = new RequestQueue({
    maxInFlightRequests: null,
    requestTimeout: 1_000,
    enforceRequestTimeout: false,
    clientId: 'test',
    broker: 'test:1',
    logger: { debug: () => undefined, warn: () => undefined },
  });
  queue.checkPendingRequests();
  assert.equal(queue.throttleCheckTimeoutId, null);
});

test('messages are grouped by partition in their order, in arrays that are not copied for each', () => {
  const group: (options: object) => unknown = nodeRequire('kafkajs/src/producer/groupMessagesPerPartition');
  const messages = Array.from({ length: 6 }, (_, index) => ({ partition: index % 2, index }));
  const grouped = group({
    topic: 't',
    partitionMetadata: [{}],
    messages,
    partitioner: ({ message }: { message: { partition: number } }) => message.partition,
  });
  assert.deepEqual(grouped, {
    0: messages.filter((message) => message.partition === 0),
    1: messages.filter((message) => message.partition === 1),
  });
  assert.doesNotMatch(String(group), /\.\.\.current/);
});
