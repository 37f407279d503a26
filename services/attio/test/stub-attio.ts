import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { performance } from 'node:perf_hooks';
import { attributes } from '../src/domain/attributes.ts';

export interface Write {
  readonly email: string;
  readonly values: Readonly<Record<string, unknown>>;
  readonly atMs: number;
}

/** What is answered instead of a success: a status with a body, or silence; `done` = after it was done. */
export interface Instead {
  readonly status?: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly silent?: boolean;
  readonly done?: boolean;
  readonly afterMs?: number;
}

/** A small stand-in for Attio, for what its simulator does not show: the client's view of single answers. */
export interface StubAttio extends AsyncDisposable {
  readonly url: string;
  /** Accepted writes in the order in which they took effect. */
  readonly writes: readonly Write[];
  /** The state that was left, by address. */
  readonly people: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  /** When each write arrived, whatever became of it: ms of this process's clock. */
  readonly arrivals: readonly number[];
  /** The most writes that were under way for one person at once. */
  readonly mostPerPerson: () => number;
  attributes: { slug: string; type: string; isMultiselect?: boolean }[];
  isActive: boolean;
  scope: string;
  answer: (write: { readonly email: string; readonly values: Readonly<Record<string, unknown>> }) => Instead | null;
}

export async function openStub(): Promise<StubAttio> {
  const writes: Write[] = [];
  const people = new Map<string, Readonly<Record<string, unknown>>>();
  const underWay = new Map<string, number>();
  const arrivals: number[] = [];
  let mostPerPerson = 0;
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.method === 'PUT') arrivals.push(performance.now());
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const send = (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): void => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
    };
    const route = `${request.method} ${request.url?.split('?')[0]}`;
    if (route === 'GET /v2/self') {
      send(200, stub.isActive ? { active: true, workspace_id: 'workspace-1', scope: stub.scope } : { active: false });
      return;
    }
    if (route === 'GET /v2/objects/people/attributes') {
      const data = stub.attributes.map(({ slug, type, isMultiselect = false }) => ({
        api_slug: slug,
        type,
        is_multiselect: isMultiselect,
        is_archived: false,
      }));
      send(200, { data });
      return;
    }
    if (route === 'POST /v2/objects/people/attributes') {
      const { data } = JSON.parse(Buffer.concat(chunks).toString()) as {
        readonly data: { readonly api_slug: string; readonly type: string };
      };
      if (stub.attributes.some(({ slug }) => slug === data.api_slug)) send(409, { code: 'slug_conflict' });
      else {
        stub.attributes.push({ slug: data.api_slug, type: data.type });
        send(200, { data });
      }
      return;
    }
    if (route !== 'PUT /v2/objects/people/records') {
      send(404, { status_code: 404, code: 'not_found', message: 'Could not find endpoint.' });
      return;
    }
    const { data } = JSON.parse(Buffer.concat(chunks).toString()) as {
      readonly data: {
        readonly values: Readonly<Record<string, unknown>> & { readonly email_addresses: readonly string[] };
      };
    };
    const { email_addresses: emails, ...values } = data.values;
    const email = emails[0] ?? '';
    const now = (underWay.get(email) ?? 0) + 1;
    mostPerPerson = Math.max(mostPerPerson, now);
    underWay.set(email, now);
    const instead = stub.answer({ email, values });
    if (instead?.afterMs !== undefined) await new Promise((resolve) => setTimeout(resolve, instead.afterMs));
    if (instead === null || instead.done === true) {
      writes.push({ email, values, atMs: performance.now() });
      people.set(email, { ...people.get(email), ...values });
    }
    underWay.set(email, (underWay.get(email) ?? 1) - 1);
    if (instead?.silent === true) return;
    if (instead?.status !== undefined) send(instead.status, instead.body ?? {}, instead.headers ?? {});
    else
      send(200, {
        data: { id: { workspace_id: 'workspace-1', object_id: 'people', record_id: `record of ${email}` } },
      });
  };
  const server = createServer((request, response) => {
    // A client that goes away while it is read is no news.
    serve(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const stub: StubAttio = {
    url: `http://127.0.0.1:${port}/v2`,
    writes,
    people,
    arrivals,
    mostPerPerson: () => mostPerPerson,
    attributes: attributes.map(({ slug, type }) => ({ slug, type })),
    isActive: true,
    scope: 'record_permission:read-write object_configuration:read-write',
    answer: () => null,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return stub;
}
