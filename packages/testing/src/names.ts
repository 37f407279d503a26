import { randomBytes } from 'node:crypto';

/** Eight random hexadecimal digits: enough that no two tests of a run share a name. */
export function randomSuffix(): string {
  return randomBytes(4).toString('hex');
}

/** A prefix for topics and groups that no other test has, for `KAFKA_TOPIC_PREFIX`. */
export function randomPrefix(): string {
  return `test-${randomSuffix()}.`;
}
