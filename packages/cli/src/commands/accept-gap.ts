import {
  acceptDeadLetterGap,
  acceptDestinationGap,
  acceptEventGap,
  connectDatabase,
  readDeadLetterPosition,
  readDestinationPosition,
  readEventPosition,
} from '@full-sync/database';
import type { Database } from '@full-sync/database';
import { acceptGap, connectKafka, leftOffAt } from '@full-sync/kafka';
import type { KafkaClient } from '@full-sync/kafka';
import { createLogger, databaseConfig, kafkaConfig, loadConfig } from '@full-sync/runtime';
import { rawTopic, platforms, topicNames } from '@full-sync/schemas';
import type { TopicName } from '@full-sync/schemas';
import Type from 'typebox';
import { CliError, exitCodes } from '../errors.ts';
import { printJson, printNote, printResult } from '../output.ts';

export interface AcceptGapOptions {
  readonly group: string;
  readonly topic: string;
  readonly partition: string;
  /** Where to go on; the log start unless told. */
  readonly to?: string;
  readonly yes: boolean;
  readonly json: boolean;
}

/** The topics that each group reads; every other group is a destination. */
const readBy: Readonly<Record<string, readonly TopicName[]>> = {
  keyer: platforms.map(rawTopic),
  loader: [topicNames.events],
  api: [topicNames.deadLetters],
};

/**
 * Lets a halted stage go on at the first record that is still there: what lay below is lost to it. The stage must not
 * run meanwhile.
 */
export async function runAcceptGap(options: AcceptGapOptions): Promise<number> {
  const config = loadConfig(Type.Object({ ...kafkaConfig, ...databaseConfig }));
  const prefix = config.KAFKA_TOPIC_PREFIX;
  const { group, topic, partition } = readTarget(options, prefix);
  const logger = createLogger({ service: 'cli', level: 'silent' });
  await using client = await connectKafka({ config, clientId: 'full-sync-cli', logger });
  const topicId = (await client.offsets.topicIds([topic])).get(topic);
  if (topicId === undefined) throw new CliError(exitCodes.failed, `The broker has no topic ${client.named(topic)}.`);
  const start = (await client.offsets.start(topic)).get(partition);
  const end = (await client.offsets.end(topic)).get(partition);
  if (start === undefined || end === undefined)
    throw new CliError(exitCodes.usage, `${topic} has no partition ${partition}.`);
  await using db = await connectDatabase({ config, applicationName: 'full-sync-cli', poolMax: 1 });
  const at = { client, group, topic, topicId, partition };
  const leftOff = await readLeftOff(db, at, start);
  const to = options.to === undefined ? start : Number(options.to);
  // Beyond the log's end the stage would pass over records that are still to be written.
  if (!Number.isSafeInteger(to) || to <= leftOff || to < start || to > end)
    throw new CliError(
      exitCodes.usage,
      `${group} goes on at offset ${leftOff} of ${topic}/${partition}, and the log holds ${start} to ${end - 1}: there is no gap up to ${options.to ?? String(start)}. The halted stage names the offset for --to.`,
    );
  if (!options.yes) {
    printNote(
      `${group} would go on at offset ${to} of ${topic}/${partition}; offsets ${leftOff} to ${to - 1}, which it has not read, are lost to it.\nStop ${group}, then repeat this with --yes; afterwards run a full sync of what was lost${isDestination(group) ? ` (for a destination: npm run cli -- deliver --destination ${group} --namespace ...)` : ''}.`,
    );
    return exitCodes.usage;
  }
  if (group === 'keyer') await acceptGap({ ...at, to });
  else if (group === 'loader') await acceptEventGap(db.pool, { ...at, nextOffset: to });
  else if (group === 'api') await acceptDeadLetterGap(db.pool, { ...at, nextOffset: to });
  else await acceptDestinationGap(db.pool, { ...at, destination: group, nextOffset: to });
  if (options.json) printJson({ group, topic, partition, next_offset: to });
  else printResult(`${group} goes on at offset ${to} of ${topic}/${partition}. Start it again.`);
  return exitCodes.completed;
}

async function readLeftOff(
  db: Database,
  at: {
    readonly client: KafkaClient;
    readonly group: string;
    readonly topic: TopicName;
    readonly topicId: string;
    readonly partition: number;
  },
  logStart: number,
): Promise<number> {
  if (at.group === 'keyer') return await leftOffAt(at, logStart);
  if (at.group === 'loader') return await readEventPosition(db.pool, at.topicId, at.partition);
  if (at.group === 'api') return await readDeadLetterPosition(db.pool, at.topicId, at.partition);
  const position = await readDestinationPosition(db.pool, { ...at, destination: at.group });
  if (position === null)
    throw new CliError(exitCodes.usage, `${at.group} has not read ${at.topic}/${at.partition}: there is no gap.`);
  return position.nextOffset;
}

/** Everybody else's name is known. */
function isDestination(group: string): boolean {
  return readBy[group] === undefined;
}

function readTarget(
  options: AcceptGapOptions,
  prefix: string,
): { readonly group: string; readonly topic: TopicName; readonly partition: number } {
  if (!/^[a-z][a-z0-9_-]*$/.test(options.group))
    throw new CliError(
      exitCodes.usage,
      `--group: expected one of ${Object.keys(readBy).join(', ')}, or a destination; got "${options.group}"`,
    );
  const topics = readBy[options.group] ?? [topicNames.events];
  const topic = topics.find((name) => options.topic === name || options.topic === prefix + name);
  if (topic === undefined)
    throw new CliError(exitCodes.usage, `--topic: ${options.group} reads ${topics.join(', ')}; got "${options.topic}"`);
  if (!/^\d{1,6}$/.test(options.partition))
    throw new CliError(exitCodes.usage, `--partition: expected a whole number; got "${options.partition}"`);
  return { group: options.group, topic, partition: Number(options.partition) };
}
