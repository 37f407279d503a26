export { BodyError, outcomeOfBodyError, readJson, readText } from './body.ts';
export { createCircuit, type Circuit, type CircuitOptions, type CircuitState } from './circuit.ts';
export {
  createHttpClient,
  path,
  type Answered,
  type GetOptions,
  type HttpClient,
  type HttpClientOptions,
  type QueryValue,
} from './client.ts';
export { JsonRows, readJsonRows, type JsonEnvelope } from './json-rows.ts';
export { JsonStreamError, type JsonStreamErrorCode } from './json-stream-error.ts';
export type {
  HttpCircuitOpen,
  HttpGone,
  HttpOk,
  HttpOutcome,
  HttpRefused,
  HttpRetry,
  HttpThrottled,
  RefusalCode,
  RetryReason,
} from './outcome.ts';
export { authorizationOf, createRedactor, shortDetail, type HttpAuth, type Redactor } from './redact.ts';
export { RowSplitter, type OversizedRow, type RowSplitterOptions } from './row-splitter.ts';
export { createSender, type Sender, type SenderOptions, type SendRequest, type Sent } from './sender.ts';
export { nextWaitMs, parseRateHeaders, parseRetryAfter, type HeaderValues, type RateHeaders } from './wait.ts';
