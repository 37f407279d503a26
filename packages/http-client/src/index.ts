export { BodyError, outcomeOfBodyError, readJson, readText } from './body.ts';
export type { CircuitOptions, CircuitState } from './circuit.ts';
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
export type { HttpAuth } from './redact.ts';
export { RowSplitter, type OversizedRow, type RowSplitterOptions } from './row-splitter.ts';
export { nextWaitMs, parseRateHeaders, parseRetryAfter, type RateHeaders } from './wait.ts';
