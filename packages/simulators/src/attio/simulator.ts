import { randomUUID } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { SimulatorControl } from '../core/control.ts';
import { PlatformGate, installGate, pathOf } from '../core/platform.ts';
import type { SinkSimulator } from '../core/sink.ts';
import { sinkAccount } from '../core/sink.ts';
import type { Around } from './around.ts';
import { answerError, noEndpoint } from './around.ts';
import { ClockLimiter } from './clock-limiter.ts';
import { attioLines } from './ledger.ts';
import type { Access } from './manners.ts';
import { accessOf, attioManners } from './manners.ts';
import { noteRoutes } from './note-routes.ts';
import type { AttioOptions, AttioSettings, AttioWorkspace } from './options.ts';
import { DEFAULT_SETTINGS, DEFAULT_WORKSPACE, applySettings } from './options.ts';
import { recordRoutes } from './record-routes.ts';
import { schemaRoutes } from './schema-routes.ts';
import type { Note } from './workspace.ts';
import { WorkspaceState } from './workspace.ts';
import type { AttioWrite } from './write-log.ts';

const BODY_LIMIT = 16 * 1024 * 1024;

export interface AttioCounts {
  /** Requests with a valid token, and those of them that a limit refused. */
  readonly requests: number;
  readonly throttled: number;
  /** Writes that were done, and those that were refused for what they held. */
  readonly applied: number;
  readonly refused: number;
  readonly people: number;
  readonly companies: number;
  readonly notes: number;
  /** The most writes let in within one second of the clock, in any workspace. */
  readonly busiestSecond: number;
  readonly mostInFlightPerPerson: number;
}

/** Attio's REST API over workspaces that hold what they were sent. */
export interface AttioPlatform extends SinkSimulator {
  readonly workspaces: readonly AttioWorkspace[];
  /** People by each of their addresses, as plain values; of the first workspace unless named. */
  people(workspaceId?: string): ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  notes(workspaceId?: string): readonly Note[];
  /** Everything that reached a route and asks for a change, refused or done, in order. */
  writes(workspaceId?: string): readonly AttioWrite[];
  /** Removes an attribute (`people`, `outreach_status`) with its values, from one moment to the next. */
  deleteAttribute(owner: string, slug: string, workspaceId?: string): void;
  readonly counts: () => AttioCounts;
  /** Forgets records, configuration beyond the standard, notes and writes. */
  clear(): void;
}

/** Builds Attio workspaces with their API. */
export function buildAttio(options: AttioOptions = {}): AttioPlatform {
  const {
    workspaces = [DEFAULT_WORKSPACE],
    now = () => Date.now(),
    rateLimit = 'off',
    latencyMs = 0,
    ...given
  } = options;
  const settings: AttioSettings = { ...DEFAULT_SETTINGS, ...given };
  const serverNow = (): number => now() + settings.clockSkewMs;
  const states = workspaces.map(
    (workspace) =>
      new WorkspaceState(workspace, {
        reads: new ClockLimiter(() => settings.readsPerSecond, serverNow),
        writes: new ClockLimiter(() => settings.writesPerSecond, serverNow),
      }),
  );
  const gate = new PlatformGate({ name: 'attio', rateLimit, latencyMs });
  const stateOf = (id: string | undefined): WorkspaceState => {
    const found = states.find(({ workspace }) => id === undefined || workspace.id === id);
    if (found === undefined) throw new Error(`there is no Attio workspace ${String(id)}`);
    return found;
  };
  return {
    workspaces,
    control: new SimulatorControl(gate, sinkAccount),
    ledger: { lines: (which) => attioLines(states, which?.view) },
    configure: (wanted) =>
      applySettings(settings, wanted, (object, slug) => states.forEach((state) => state.deleteAttribute(object, slug))),
    people: (id) => stateOf(id).people(),
    notes: (id) => stateOf(id).notes,
    writes: (id) => stateOf(id).log.all(),
    deleteAttribute: (owner, slug, id) => stateOf(id).deleteAttribute(owner, slug),
    counts: () => countsOf(states, gate),
    clear: () => states.forEach((state) => state.clear()),
    install: async (app) => {
      const arrivals = new WeakMap<FastifyRequest, { readonly at: number; replied: ((at: number) => void) | null }>();
      const findAccess = (request: FastifyRequest): Access | null => accessOf(request, states, settings);
      const around: Around = {
        settings,
        now,
        accessOf: findAccess,
        noteWrite: (request, { state }, write, outcome) => {
          const arrival = arrivals.get(request);
          const replied = state.log.add({
            arrivedAt: arrival?.at ?? now(),
            doneAt: now(),
            method: request.method,
            path: pathOf(request),
            ...write,
            outcome,
          });
          // Whoever sent it may have gone before it was done.
          if (request.raw.socket.destroyed) replied(now());
          else if (arrival !== undefined) arrival.replied = replied;
        },
      };
      app.addContentTypeParser(
        'application/json',
        { parseAs: 'string', bodyLimit: BODY_LIMIT },
        app.getDefaultJsonParser('error', 'error'),
      );
      app.addHook('onRequest', async (request, reply) => {
        arrivals.set(request, { at: now(), replied: null });
        reply.header('x-attio-execution-id', randomUUID());
        reply.header('date', new Date(serverNow()).toUTCString());
      });
      app.addHook('onResponse', async (request) => arrivals.get(request)?.replied?.(now()));
      installGate(app, gate, attioManners({ accessOf: findAccess, now: serverNow }));
      app.setErrorHandler(answerError);
      app.setNotFoundHandler(async (request) => {
        throw noEndpoint(request);
      });
      schemaRoutes(app, around);
      recordRoutes(app, around);
      noteRoutes(app, around);
    },
  };
}

function countsOf(states: readonly WorkspaceState[], gate: PlatformGate): AttioCounts {
  const most = (of: (state: WorkspaceState) => number): number => Math.max(0, ...states.map(of));
  const total = (of: (state: WorkspaceState) => number): number => states.reduce((sum, state) => sum + of(state), 0);
  const arrivals = [...gate.arrivals];
  return {
    requests: arrivals.length,
    throttled: arrivals.filter(({ accepted }) => !accepted).length,
    applied: total(({ log }) => log.all().filter(({ outcome }) => outcome === 'applied').length),
    refused: total(({ log }) => log.all().filter(({ outcome }) => outcome !== 'applied').length),
    people: total((state) => state.object('people').size),
    companies: total((state) => state.object('companies').size),
    notes: total(({ notes }) => notes.length),
    busiestSecond: most(({ limiters }) => limiters.writes.busiestSecond),
    mostInFlightPerPerson: most(({ log }) => log.mostInFlightPerPerson()),
  };
}
