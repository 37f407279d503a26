import { EnvironmentError } from '@full-sync/runtime';

const goneNames: ReadonlySet<string> = new Set([
  'KafkaJSConnectionError',
  'KafkaJSConnectionClosedError',
  'KafkaJSRequestTimeoutError',
  'KafkaJSBrokerNotFound',
  'KafkaJSGroupCoordinatorNotFound',
]);

/**
 * The same error, but an EnvironmentError (exit code 3) when all it says is that the broker cannot be reached: what a
 * process dies of then is not its own fault.
 */
export function namingBrokerGone(error: Error): Error {
  let cause: unknown = error;
  for (let depth = 0; depth < 8 && cause instanceof Error; depth += 1) {
    if (goneNames.has(cause.name)) {
      return new EnvironmentError(`The Kafka broker cannot be reached any more: ${cause.message}`, {
        hint: 'Check the broker; the process can be started again as soon as it answers.',
        cause: error,
      });
    }
    cause = cause.cause;
  }
  return error;
}
