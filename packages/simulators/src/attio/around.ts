import type { FastifyReply, FastifyRequest } from 'fastify';
import { sendFixed } from '../core/fault-answers.ts';
import type { Access } from './manners.ts';
import type { AttioSettings } from './options.ts';
import type { Given } from './records.ts';
import { Refusal, WRONG_TOKEN, invalidBody, notFound, refusalAnswer } from './refusal.ts';

/** What every route works with. */
export interface Around {
  readonly settings: AttioSettings;
  /** The true clock, epoch ms. */
  readonly now: () => number;
  readonly accessOf: (request: FastifyRequest) => Access | null;
  /** Notes what reached a route and asks for something to be changed. */
  readonly noteWrite: (
    request: FastifyRequest,
    access: Access,
    write: { readonly person: string | null; readonly recordId: string | null; readonly values: unknown },
    outcome: string,
  ) => void;
}

class Unauthorized extends Error {}

/**
 * Who asks, who must have the scope; `:read` is part of `:read-write`.
 * @throws Refusal 403.
 */
export function accessWith(request: FastifyRequest, around: Around, scope: string): Access {
  const access = around.accessOf(request);
  // A token that was withdrawn since the gate.
  if (access === null) throw new Unauthorized();
  const has = access.token.scopes.some((one) => one === scope || one === `${scope}-write`);
  if (!has) throw new Refusal(403, 'unauthorized', `The token needs the scope "${scope}" for this endpoint.`);
  return access;
}

/** `data` of the body. @throws Refusal for any other body. */
export function dataOf(request: FastifyRequest): Given {
  const body = request.body;
  if (!isObject(body)) throw invalidBody([], 'object', body);
  if (!isObject(body['data'])) throw invalidBody(['data'], 'object', body['data']);
  return body['data'];
}

/** An object inside `data`. @throws Refusal where it is missing. */
export function valuesIn(data: Given, name: string): Given {
  const values = data[name];
  if (!isObject(values)) throw invalidBody(['data', name], 'object', values);
  return values;
}

export function textIn(data: Given, name: string): string {
  const value = data[name];
  if (typeof value !== 'string') throw invalidBody(['data', name], 'string', value);
  return value;
}

export function paramsOf(request: FastifyRequest): Readonly<Record<string, string>> {
  return request.params as Readonly<Record<string, string>>;
}

export function queryOf(request: FastifyRequest): Readonly<Record<string, string | undefined>> {
  return request.query as Readonly<Record<string, string | undefined>>;
}

/** `limit` and `offset` of a query string or of a body. @throws Refusal for what is out of bounds. */
export function pageOf(
  given: Readonly<Record<string, unknown>>,
  bounds: { readonly limit: number; readonly most: number },
): { readonly from: number; readonly to: number } {
  const read = (name: string, usual: number, most: number): number => {
    const value = given[name] === undefined ? usual : Number(given[name]);
    if (!Number.isInteger(value) || value < 0 || value > most) throw invalidBody([name], `0 to ${most}`, given[name]);
    return value;
  };
  const from = read('offset', 0, Number.MAX_SAFE_INTEGER);
  return { from, to: from + read('limit', bounds.limit, bounds.most) };
}

export function noEndpoint(request: FastifyRequest): Refusal {
  const path = request.url.slice(Math.max(0, request.url.indexOf('/v2'))).split('?')[0] ?? '';
  return notFound(`Could not find endpoint "${request.method} ${path}".`);
}

/** Answers refusals; what is no refusal and no broken body is a fault of the simulator and passes on. */
export async function answerError(
  error: unknown,
  _request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  if (error instanceof Unauthorized) return sendFixed(reply, WRONG_TOKEN);
  if (error instanceof Refusal) {
    return sendFixed(reply, refusalAnswer(error.status, error.code, error.message, error.validationErrors));
  }
  const status = (error as { readonly statusCode?: unknown } | null)?.statusCode;
  if (typeof status === 'number' && status < 500) {
    return sendFixed(reply, refusalAnswer(status, 'validation_type', 'Body payload validation error.'));
  }
  throw error;
}

function isObject(value: unknown): value is Given {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
