import { createRequire } from 'node:module';
import {
  pino,
  stdTimeFunctions,
  type Bindings,
  type ChildLoggerOptions,
  type DestinationStream,
  type Logger as PinoLogger,
  type LoggerOptions,
} from 'pino';
import { redactFields, redactText } from './redact.ts';

export type Logger = PinoLogger;

export interface LoggerSettings {
  readonly service: string;
  readonly level: string;
  /** Lines for people; heeded only where stdout is a terminal. */
  readonly pretty?: boolean;
  /** Where the lines go; stdout, written synchronously so that a crash loses none, when left out. */
  readonly destination?: DestinationStream;
}

function terminal(): DestinationStream {
  // Loaded here and not above: it costs every service several megabytes that only a terminal needs.
  const { build } = createRequire(import.meta.url)('pino-pretty') as typeof import('pino-pretty');
  return build({ sync: true, ignore: 'service', messageFormat: '{service}: {msg}' });
}

/**
 * A pino logger that writes JSON lines with `level` as text and `time` in ISO 8601. Whatever is logged passes the
 * redaction twice, field by field and as the finished line, so that no call site has to remember it (I7).
 */
export function createLogger({ service, level, pretty = false, destination }: LoggerSettings): Logger {
  const options: LoggerOptions = {
    level,
    base: { service },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }), bindings: redactFields, log: redactFields },
    serializers: { err: (fields: unknown) => fields },
    hooks: { streamWrite: redactText },
  };
  const stdout = () => (pretty && process.stdout.isTTY ? terminal() : pino.destination({ fd: 1, sync: true }));
  const logger = pino(options, destination ?? stdout());
  // pino gives a child no bindings formatter of its parent's.
  const child: (this: Logger, bindings: Bindings, childOptions?: ChildLoggerOptions) => Logger = Reflect.get(
    logger,
    'child',
  );
  Object.defineProperty(logger, 'child', {
    value(this: Logger, bindings: Bindings, childOptions?: ChildLoggerOptions) {
      return child.call(this, redactFields(bindings), childOptions);
    },
  });
  return logger;
}
