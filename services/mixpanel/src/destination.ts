import { done, reject, retry } from '@full-sync/delivery';
import type { Settlement } from '@full-sync/delivery';
import type { Delivery, Destination, Outgoing, Target } from '@full-sync/destinations';
import { createSender } from '@full-sync/http-client';
import type { Sender } from '@full-sync/http-client';
import type { Clock, Logger } from '@full-sync/runtime';
import { freshPace, slowDown } from './domain/pace.ts';
import { profileFactsOf } from './domain/profile-facts.ts';
import { timeMsOf, toImportEvent } from './domain/to-import-event.ts';
import type { ImportEvent } from './domain/to-import-event.ts';
import { importBatch } from './import-batch.ts';
import { createMixpanel } from './mixpanel.ts';
import type { Mixpanel, Told } from './mixpanel.ts';
import type { Project, Projects } from './projects.ts';
import { createFactMemory, tellProfiles } from './tell-profiles.ts';
import type { FactMemory } from './tell-profiles.ts';

/** The sheet's limits: 2,000 events, and below 10 MB uncompressed (Mixpanel fact sheet, section 4). */
const limits = { maxEvents: 2_000, maxBytes: 9_000_000 };
/** What is learned from refusals goes no lower: below it, the size of a request is not what is wrong. */
const leastMaxBytes = 256 * 1024;
const timeoutMs = 30_000;
/** 10 to 20 at once are advised over all copies (Mixpanel fact sheet, section 4); a copy works on 4 batches. */
const maxConnections = 5;
/** Some ten facts per person. */
const rememberedFacts = 100_000;
/**
 * Mixpanel overwrites times that are ahead of its clock with its own, which makes another event of each repeat: events
 * wait until they are this old by ours. What is further ahead than clocks differ has a time that is wrong.
 */
const settledAgeMs = 5_000;
const mostAheadMs = 300_000;

export interface MixpanelParts {
  readonly projects: Projects;
  readonly profiles: boolean;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly onAnswer: (status: number | null, elapsedMs: number) => void;
}

/** One project as this process knows it. */
interface OpenProject {
  readonly project: Project;
  readonly api: Mixpanel;
  readonly told: FactMemory;
  pace: typeof freshPace;
  maxBytes: number;
}

/** Mixpanel as a destination: events by `/import`, people by `/engage`. */
export function createMixpanelDestination(parts: MixpanelParts): Destination<ImportEvent> & AsyncDisposable {
  const senders = new Map<string, Sender>();
  const open = new Map<string, OpenProject>();
  const openProject = (project: Project): OpenProject => {
    const sender =
      senders.get(project.baseUrl) ??
      createSender({ baseUrl: project.baseUrl, timeoutMs, maxConnections, circuit: 'none' });
    senders.set(project.baseUrl, sender);
    const { onAnswer, clock, logger } = parts;
    const onShortfall = (events: number): void =>
      logger.error({ target: project.id, events }, 'mixpanel counts fewer events as imported than it took');
    const api = createMixpanel(project, { sender, now: () => clock.now(), onAnswer, onShortfall });
    return { project, api, told: createFactMemory(rememberedFacts), pace: freshPace, maxBytes: limits.maxBytes };
  };
  return {
    name: 'mixpanel',
    severalTargets: parts.projects.several,
    limits,
    target: (namespace): Target | null => {
      const project = parts.projects.of(namespace);
      if (project !== null && !open.has(project.id)) open.set(project.id, openProject(project));
      return project;
    },
    toPayload: toImportEvent,
    deliver: async ({ id }, batch, signal): Promise<Delivery> => {
      const project = open.get(id);
      if (project === undefined) throw new Error('a target that was never given out');
      return await deliverTo(parts, project, batch, signal);
    },
    [Symbol.asyncDispose]: async () => {
      for (const sender of senders.values()) await sender[Symbol.asyncDispose]();
    },
  };
}

async function deliverTo(
  parts: MixpanelParts,
  project: OpenProject,
  batch: readonly Outgoing<ImportEvent>[],
  signal: AbortSignal,
): Promise<Delivery> {
  const now = parts.clock.now();
  const blockedMs = project.pace.notBefore - now;
  // Every request counts against the limit: while one batch stays away, all of them do.
  if (blockedMs > 0) return { kind: 'retry', afterMs: blockedMs + jitter(parts), reason: 'throttled' };
  const timely = batch.map(({ payload }) => judgeTime(timeMsOf(payload), now));
  const ready = batch.filter((_one, index) => timely[index] === null);
  if (ready.length === 0) return { kind: 'each', settlements: timely.map((one) => one ?? done), answerCode: 0 };
  const delivery = await sendReady(parts, project, ready, signal);
  if (ready.length === batch.length || delivery.kind !== 'each') return delivery;
  const settlements = delivery.settlements[Symbol.iterator]();
  return { ...delivery, settlements: timely.map((one) => one ?? settlements.next().value ?? retry(0)) };
}

/** Null for an event that can be sent now. */
function judgeTime(timeMs: number, now: number): Settlement | null {
  const aheadMs = timeMs + settledAgeMs - now;
  if (aheadMs <= 0) return null;
  if (aheadMs <= mostAheadMs + settledAgeMs) return retry(aheadMs);
  return reject(
    'MIXPANEL_TIME_IN_FUTURE',
    'the event has not happened yet; Mixpanel would give it another time',
    '/occurred_at',
  );
}

async function sendReady(
  parts: MixpanelParts,
  project: OpenProject,
  batch: readonly Outgoing<ImportEvent>[],
  signal: AbortSignal,
): Promise<Delivery> {
  const { api, told } = project;
  const pace = (reason: string, failed: Told<unknown>): number | null => noteFailure(parts, project, reason, failed);
  if (parts.profiles && project.project.token !== null) {
    const facts = batch.flatMap(({ payload }) => profileFactsOf(payload));
    const failed = await tellProfiles(
      {
        told,
        send: (updates) => api.engage(updates, signal),
        slowDown: pace,
        onRefused: (updates, detail) =>
          parts.logger.warn({ target: project.project.id, updates, detail }, 'profile updates were refused'),
      },
      facts,
    );
    if (failed !== null) return failed;
  }
  const delivery = await importBatch(
    {
      send: (events) => api.importEvents(events, signal),
      maxBytes: () => project.maxBytes,
      learnMaxBytes: (bytes) => {
        project.maxBytes = Math.max(leastMaxBytes, Math.min(project.maxBytes, bytes));
      },
      slowDown: pace,
    },
    batch.map(({ json }) => json),
  );
  if (delivery.kind === 'each' && delivery.settlements.every(({ kind }) => kind === 'done' || kind === 'reject')) {
    project.pace = freshPace;
  }
  return delivery;
}

/** Answers that ask for the documented backoff; for others the caller's own is enough. */
const paced: ReadonlySet<number> = new Set([429, 502, 503]);

function noteFailure(
  parts: MixpanelParts,
  project: OpenProject,
  reason: string,
  { status, retryAfterMs }: Told<unknown>,
): number | null {
  if (status === null || (!paced.has(status) && retryAfterMs === null)) return null;
  const now = parts.clock.now();
  project.pace = slowDown(project.pace, { now, retryAfterMs, random: parts.random() });
  const { failures, notBefore } = project.pace;
  parts.logger.debug({ target: project.project.id, reason, status, failures }, 'mixpanel asks for patience');
  return Math.max(0, notBefore - now) + jitter(parts);
}

/** Batches that waited together do not come back as one. */
function jitter({ random }: MixpanelParts): number {
  return Math.floor(random() * 500);
}
