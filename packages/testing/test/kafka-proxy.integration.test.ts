import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectKafka, createProducer } from '@full-sync/kafka';
import { createLogger } from '@full-sync/runtime';
import { createKafkaProxy, kafkaApi, randomPrefix, stackAddresses } from '../src/index.ts';

const logger = createLogger({ service: 'kafka-proxy-test', level: 'silent', pretty: false });

function connect(brokers: string, prefix: string) {
  const config = { KAFKA_BROKERS: brokers, KAFKA_SSL: false, KAFKA_TOPIC_PREFIX: prefix };
  return connectKafka({ config, clientId: 'kafka-proxy-test', logger });
}

test('everything a client does goes through the proxy, and a lost reply is lost after the broker appended', async () => {
  const { kafkaBrokers } = stackAddresses();
  const prefix = randomPrefix();
  await using proxy = await createKafkaProxy(kafkaBrokers);
  await using direct = await connect(kafkaBrokers, prefix);
  await using through = await connect(proxy.brokers, prefix);
  await direct.ensureTopics();
  await using producer = await createProducer(through);
  const record = (text: string) => ({ partition: 3, key: 'k', value: Buffer.from(text) });

  const [first] = await producer.send('outreach.events', [record('a')]);
  assert.equal(first?.firstOffset, 0);
  // More than one where the new topic's leader was not known yet.
  const before = proxy.requests(kafkaApi.produce);
  assert.ok(before >= 1);

  const lost = proxy.dropReplyOnce();
  const sent = producer.send('outreach.events', [record('b')]);
  await lost;
  assert.equal((await direct.offsets.end('outreach.events')).get(3), 2);
  const [second] = await sent;
  assert.equal(second?.firstOffset, 1, 'the repeat is recognised by its sequence and gets the first offset');
  assert.equal(proxy.requests(kafkaApi.produce) - before, 2);
  assert.equal((await direct.offsets.end('outreach.events')).get(3), 2);
});
