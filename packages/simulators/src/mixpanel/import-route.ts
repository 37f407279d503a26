import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { FixedAnswer } from '../core/fault-answers.ts';
import { sendFixed } from '../core/fault-answers.ts';
import type { RecordFault } from './check-event.ts';
import { IDENTITY_EVENTS, checkEvent, isOversized } from './check-event.ts';
import type { StoredEvent } from './event-store.ts';
import { jsonAnswer, projectOf, rateRefusal, refusalOf } from './manners.ts';
import type { MixpanelSettings } from './options.ts';
import type { ProjectState } from './project-state.ts';
import type { Records } from './read-body.ts';
import { WholeRefusal, readRecords } from './read-body.ts';

export const MOST_RECORDS = 2000;

const IDENTITY_REFUSED = 'identity events are not allowed when project is using simplified identity management';

export interface Surroundings {
  readonly settings: MixpanelSettings;
  readonly states: readonly ProjectState[];
  readonly now: () => number;
}

/** `POST /import` (fact sheet, sections 3 to 6): the good records are stored, the bad ones listed by index. */
export function importRoute(app: FastifyInstance, around: Surroundings): void {
  app.post('/import', async (request, reply) => {
    const state = stateOf(request, around);
    // Between the gate and here a key can have been withdrawn.
    if (state === undefined) return sendFixed(reply, refusalOf(401, 'Invalid credentials'));
    return sendFixed(reply, answerTo(request, state, around));
  });
}

function stateOf(request: FastifyRequest, around: Surroundings): ProjectState | undefined {
  const projects = around.states.map(({ project }) => project);
  const found = projectOf(request, projects, around.now());
  return around.states.find(({ project }) => project === found);
}

function answerTo(request: FastifyRequest, state: ProjectState, around: Surroundings): FixedAnswer {
  const { settings, now } = around;
  state.requests += 1;
  const read = readRecords(
    bodyOf(request),
    { encoding: request.headers['content-encoding'], type: request.headers['content-type'] },
    { bytes: settings.byteLimit, records: MOST_RECORDS },
  );
  if (!state.budget.spend(read.records.length, read.bytes)) return rateRefusal(settings.retryAfter);
  refuseWhole(read.records, settings);
  const isStrict = (request.query as { readonly strict?: string }).strict !== '0';
  return store(read, state, { settings, now: now(), isStrict });
}

/** @throws WholeRefusal for records that take the whole request with them. */
function refuseWhole(records: readonly unknown[], settings: MixpanelSettings): void {
  const names = records.map((record) => (record as { readonly event?: unknown } | null)?.event);
  if (settings.idMerge === 'simplified' && names.some((name) => IDENTITY_EVENTS.has(String(name)))) {
    throw new WholeRefusal(400, 'some data points in the request failed validation', [IDENTITY_REFUSED]);
  }
  if (settings.oversizedEvent === 'request' && records.some(isOversized)) {
    throw new WholeRefusal(413, `request exceeds max limit of ${1024 * 1024} bytes for one event`);
  }
}

function store(
  read: Records,
  state: ProjectState,
  options: { readonly settings: MixpanelSettings; readonly now: number; readonly isStrict: boolean },
): FixedAnswer {
  const { settings, isStrict } = options;
  const failed: (RecordFault & { readonly index: number; readonly insertId: string })[] = [];
  read.records.forEach((record, index) => {
    const checked = checkEvent(record, { settings, now: options.now, isLatin1: read.isLatin1 });
    if (checked.kind === 'refused') failed.push({ index, insertId: checked.insertId, ...checked.fault });
    else if (checked.kind === 'stored') state.events.add(renamedWhenHot(checked.event, state, settings));
  });
  state.refused += failed.length;
  const imported = read.records.length - failed.length;
  if (failed.length === 0 || !isStrict) {
    return jsonAnswer(200, { code: 200, num_records_imported: imported, status: 'OK' });
  }
  return refusalOf(400, 'some data points in the request failed validation', {
    failed_records: failed.map(({ index, insertId, field, message }) => ({
      index,
      [settings.insertIdKey]: insertId,
      field,
      message,
    })),
    num_records_imported: imported,
  });
}

/** Too many events of one person on one day lose their name and their person (section 9). */
function renamedWhenHot(
  event: Omit<StoredEvent, 'serial'>,
  state: ProjectState,
  settings: MixpanelSettings,
): Omit<StoredEvent, 'serial'> {
  if (event.distinctId === '') return event;
  if (state.events.countOnDay(event.distinctId, event.time) <= settings.hotShardEvents) return event;
  const properties = {
    ...(JSON.parse(event.properties) as object),
    mp_original_event_name: event.event,
    mp_original_distinct_id: event.distinctId,
  };
  return { ...event, event: '$hotshard_events', distinctId: '', properties: JSON.stringify(properties) };
}

export function bodyOf(request: FastifyRequest): Buffer {
  return Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
}

/** Answers refusals of whole requests; anything else is a fault of the simulator and passes on. */
export function wholeRefusals(app: FastifyInstance): void {
  app.setErrorHandler(async (error: unknown, _request: FastifyRequest, reply: FastifyReply) => {
    if (!(error instanceof WholeRefusal)) throw error;
    const more =
      error.status === 400
        ? { ...(error.failedRecords === null ? {} : { failed_records: error.failedRecords }), num_records_imported: 0 }
        : {};
    return sendFixed(reply, refusalOf(error.status, error.message, more));
  });
}
