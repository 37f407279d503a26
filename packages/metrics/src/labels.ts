import { platforms, topicNames } from '@full-sync/schemas';
import type { OpenLabel } from './model.ts';

/* Labels that several metrics share. */

export const platform = platforms;

/** The topics that records of the pipeline wait in. */
export const dataTopics = [
  topicNames.smartleadRaw,
  topicNames.lemlistRaw,
  topicNames.events,
  topicNames.deadLetters,
] as const;

export type DataTopic = (typeof dataTopics)[number];

export const topics = [...dataTopics, topicNames.control, topicNames.telemetry] as const;
export const rawTopics = [topicNames.smartleadRaw, topicNames.lemlistRaw] as const;

export const partition = { of: 'the number of the partition', like: '[0-9]+', atMost: 12 } as const satisfies OpenLabel;

export const group = {
  of: 'the consumer group without KAFKA_TOPIC_PREFIX: keyer, loader, api, each destination, and other groups of the broker that read outreach.events',
  like: '[ -~]{1,255}',
  atMost: 24,
} as const satisfies OpenLabel;

export const destination = {
  of: 'the name of the destination, such as mixpanel or attio',
  like: '[a-z][a-z0-9_-]*',
  atMost: 1,
} as const satisfies OpenLabel;

export const stage = {
  of: 'who gave the record up: extractor, keyer, loader, api or a destination',
  like: '[a-z][a-z0-9_-]*',
  atMost: 20,
} as const satisfies OpenLabel;

export const account = {
  of: 'the variable that holds the key, and the host, such as "SMARTLEAD_API_KEY at server.smartlead.ai"',
  like: '[ -~]{1,200}',
  atMost: 100,
} as const satisfies OpenLabel;

/** HTTP statuses that are told apart; all others are `other`, and `none` is no answer. */
export const httpStatus = [
  '200',
  '201',
  '202',
  '204',
  '304',
  '400',
  '401',
  '402',
  '403',
  '404',
  '405',
  '408',
  '409',
  '413',
  '422',
  '425',
  '429',
  '500',
  '502',
  '503',
  '504',
  'other',
  'none',
] as const;

export type HttpStatus = (typeof httpStatus)[number];

const knownStatuses: ReadonlySet<string> = new Set(httpStatus);

/** The label of an HTTP status; undefined stands for a request that was not answered. */
export function statusLabel(status: number | undefined): HttpStatus {
  if (status === undefined) return 'none';
  const text = String(status);
  return isKnownStatus(text) ? text : 'other';
}

function isKnownStatus(text: string): text is HttpStatus {
  return knownStatuses.has(text);
}

/** Codes of dead letters. What Postgres refuses is told by the class of its SQLSTATE; the letter has all five characters. */
export const letterCode = [
  'RECORD_UNDECODABLE',
  'ENVELOPE_INVALID',
  'RECORD_NOT_JSON',
  'RECORD_TOO_DEEP',
  'RECORD_NOT_OBJECT',
  'RECORD_TOO_LARGE',
  'PLATFORM_FIELD_INVALID',
  'TIME_MISSING',
  'TIME_UNREADABLE',
  'IDENTITY_MISSING',
  'EVENT_UNREADABLE',
  'POSTGRES_22',
  'POSTGRES_23',
  'POSTGRES_44',
  'POSTGRES_54',
  'POSTGRES_P0',
  'POSTGRES_ROW_DROPPED',
  'DESTINATION_REFUSED',
  'other',
] as const;

export type LetterCode = (typeof letterCode)[number];

const ownStages: ReadonlySet<string> = new Set(['api', 'extractor', 'keyer', 'loader']);
const knownCodes: ReadonlySet<string> = new Set(letterCode);

function isKnownCode(code: string): code is LetterCode {
  return knownCodes.has(code);
}

/** The label of a dead letter's code; destinations have codes of their own, which are one. */
export function letterCodeLabel(code: string, ofStage: string): LetterCode {
  const shown = /^POSTGRES_[0-9A-Z]{5}$/.test(code) ? code.slice(0, 'POSTGRES_22'.length) : code;
  if (isKnownCode(shown)) return shown;
  return ownStages.has(ofStage) ? 'other' : 'DESTINATION_REFUSED';
}
