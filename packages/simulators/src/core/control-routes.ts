import { performance } from 'node:perf_hooks';
import { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { AdvanceStep, Mischief, SimulatorControl } from './control.ts';
import { FAULT_KINDS } from './faults.ts';

/** One platform as the control routes see it. */
export interface Controlled {
  readonly control: SimulatorControl;
  readonly ledger: {
    /** NDJSON lines; a platform that keeps what it was sent has several views of it. */
    lines(options: { readonly bodies: boolean; readonly view?: string }): Generator<string>;
  };
  /** Settings of the platform's own; throws on values it cannot use. */
  readonly configure?: (settings: Readonly<Record<string, unknown>>) => void;
  /** Totals of a platform that keeps what it was sent. */
  readonly counts?: () => object;
}

const OTHER_KINDS: ReadonlySet<string> = new Set(['campaignDeleted', 'insertWhilePaging', 'deleteWhilePaging']);
const LINES_PER_CHUNK = 256;
const BYTES_PER_CHUNK = 256 * 1024;

class BadControl extends Error {}

/** `/_control`: the same strings as `SimulatorControl`, for tests in other processes. Not part of any platform. */
export function controlRoutes(app: FastifyInstance, platforms: ReadonlyMap<string, Controlled>): void {
  const named = (name: unknown): Controlled => {
    const found = platforms.get(String(name));
    if (found === undefined) throw new BadControl(`platform must be one of ${[...platforms.keys()].join(', ')}`);
    return found;
  };
  const asked = (request: FastifyRequest): Controlled => named((request.query as { platform?: unknown }).platform);

  app.setErrorHandler(async (error, _request, reply) => {
    if (!(error instanceof BadControl)) throw error;
    return reply.code(400).send({ error: error.message });
  });

  app.get('/arrivals', async (request) => {
    const { control } = asked(request);
    const { maxInWindowMs } = request.query as { maxInWindowMs?: string };
    return {
      timeOrigin: performance.timeOrigin,
      now: performance.now(),
      arrivals: control.arrivals(),
      ...(maxInWindowMs === undefined ? {} : { maxInWindow: control.maxInWindow(Number(maxInWindowMs)) }),
    };
  });

  app.delete('/arrivals', async (request) => {
    asked(request).control.clearArrivals();
    return { cleared: true };
  });

  app.get('/faults', async (request) => ({ faults: asked(request).control.faults() }));

  app.post('/faults', async (request) => {
    const specs = Array.isArray(request.body) ? (request.body as unknown[]) : [request.body];
    for (const spec of specs)
      named((spec as { platform?: unknown } | null)?.platform).control.fault(readMischief(spec));
    return { armed: specs.length };
  });

  app.delete('/faults', async () => {
    for (const { control } of platforms.values()) control.clearFaults();
    return { cleared: true };
  });

  app.post('/advance', async (request) => {
    const body = request.body as (AdvanceStep & { readonly platform: string }) | null;
    const { control } = named(body?.platform);
    return { changes: refusable(() => control.advance(body ?? {})) };
  });

  app.post('/settings', async (request) => {
    const body = (request.body ?? {}) as { platform?: unknown; rateLimit?: string; latencyMs?: number };
    const { platform, rateLimit, latencyMs, ...own } = body;
    const { control, configure } = named(platform);
    if (rateLimit !== undefined) control.setRateLimit(rateLimit);
    if (latencyMs !== undefined) control.setLatency(latencyMs);
    if (Object.keys(own).length > 0) {
      if (configure === undefined) throw new BadControl(`${String(platform)} has no settings of its own`);
      refusable(() => configure(own));
    }
    return { set: true };
  });

  app.get('/counts', async (request) => {
    const { counts } = asked(request);
    if (counts === undefined) throw new BadControl('this platform counts nothing: it is only read');
    return counts();
  });

  app.get('/ledger', async (request, reply) => {
    const { bodies, view } = request.query as { bodies?: string; view?: string };
    const { ledger } = asked(request);
    const wanted = { bodies: bodies !== 'false', ...(view === undefined ? {} : { view }) };
    return sendLines(
      reply,
      refusable(() => ledger.lines(wanted)),
    );
  });
}

/** What a platform refuses to do is the caller's fault. */
function refusable<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw new BadControl(error instanceof Error ? error.message : String(error));
  }
}

function readMischief(spec: unknown): Mischief {
  const kind = String((spec as { kind?: unknown } | null)?.kind);
  if (!FAULT_KINDS.has(kind) && !OTHER_KINDS.has(kind)) throw new BadControl(`unknown kind of fault: ${kind}`);
  return spec as Mischief;
}

function sendLines(reply: FastifyReply, lines: Generator<string>): FastifyReply {
  return reply.header('content-type', 'application/x-ndjson; charset=utf-8').send(Readable.from(chunksOf(lines)));
}

/** Gives the event loop its turn between chunks: the platforms answer while a long ledger is read. */
async function* chunksOf(lines: Generator<string>): AsyncGenerator<Buffer> {
  let chunk: string[] = [];
  let size = 0;
  for (const line of lines) {
    chunk.push(line);
    size += line.length;
    if (chunk.length < LINES_PER_CHUNK && size < BYTES_PER_CHUNK) continue;
    yield Buffer.from(`${chunk.join('\n')}\n`);
    chunk = [];
    size = 0;
    await turn();
  }
  if (chunk.length > 0) yield Buffer.from(`${chunk.join('\n')}\n`);
}
