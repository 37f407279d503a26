import assert from 'node:assert/strict';
import { Ajv2020 } from 'ajv/dist/2020.js';

/** Asserts that an answer fits what `/openapi.json` says of it. */
export type FitsDocument = (path: string, method: string, status: number, value: unknown) => void;

/** Reads the document that describes the api at `url`. */
export async function readDocument(url: string): Promise<FitsDocument> {
  const document: Record<string, unknown> = JSON.parse(await (await fetch(`${url}/openapi.json`)).text());
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema(document, 'api');
  return (path, method, status, value) => {
    const type = status < 400 ? 'application/json' : 'application/problem+json';
    const place = ['paths', path, method, 'responses', String(status), 'content', type, 'schema'];
    const pointer = place.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/');
    const valid = ajv.validate({ $ref: `api#/${pointer}` }, value);
    assert.ok(valid, `${method} ${path} ${status}: ${ajv.errorsText()}`);
  };
}
