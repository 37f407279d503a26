import type { FixedAnswer } from '../core/fault-answers.ts';

/** One entry of `validation_errors` (Attio fact sheet, section 3). */
export interface ValidationError {
  readonly code: string;
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly expected?: string;
  readonly received?: string;
}

/** A request that is refused whole: nothing of it is stored. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly validationErrors: readonly ValidationError[] | null;

  constructor(
    status: number,
    code: string,
    message: string,
    validationErrors: readonly ValidationError[] | null = null,
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.validationErrors = validationErrors;
  }
}

const TYPES: Readonly<Record<number, string>> = { 401: 'auth_error', 403: 'auth_error', 429: 'rate_limit_error' };

/** The envelope of every refusal. */
export function refusalAnswer(
  status: number,
  code: string,
  message: string,
  validationErrors: readonly ValidationError[] | null = null,
): FixedAnswer {
  const type = TYPES[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error');
  const more = validationErrors === null ? {} : { validation_errors: validationErrors };
  return {
    status,
    contentType: 'application/json; charset=utf-8',
    body: JSON.stringify({ status_code: status, type, code, message, ...more }),
  };
}

export const RATE_MESSAGE = 'Rate limit exceeded, please try again later';
export const WRONG_TOKEN = refusalAnswer(
  401,
  'unauthorized',
  'The API Key provided could not be found. This is most commonly caused by the token having been revoked.',
);

/** A value that an attribute does not take. */
export function invalidValue(slug: string, expected: string, received: unknown): Refusal {
  return new Refusal(400, 'validation_type', `An invalid value was passed to attribute with slug "${slug}".`, [
    {
      code: 'invalid_value',
      path: ['data', 'values', slug],
      message: `Expected ${expected}.`,
      expected,
      received: received === null ? 'null' : Array.isArray(received) ? 'array' : typeof received,
    },
  ]);
}

/** A body that has not the form of the endpoint. */
export function invalidBody(path: readonly (string | number)[], expected: string, received: unknown): Refusal {
  return new Refusal(400, 'validation_type', 'Body payload validation error.', [
    {
      code: 'invalid_type',
      path,
      message: received === undefined ? 'Required' : `Expected ${expected}`,
      expected,
      received: received === undefined ? 'undefined' : Array.isArray(received) ? 'array' : typeof received,
    },
  ]);
}

export function notFound(message: string): Refusal {
  return new Refusal(404, 'not_found', message);
}

export function unknownAttribute(name: string): Refusal {
  return new Refusal(400, 'value_not_found', `Cannot find attribute with slug/ID "${name}".`);
}
