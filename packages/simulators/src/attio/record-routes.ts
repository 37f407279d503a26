import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Around } from './around.ts';
import { accessWith, dataOf, noEndpoint, pageOf, paramsOf, queryOf, textIn, valuesIn } from './around.ts';
import { matches } from './filter.ts';
import type { Access } from './manners.ts';
import type { Given, RecordTable, Row } from './records.ts';
import { renderRow } from './records.ts';
import { Refusal } from './refusal.ts';

interface Kind {
  readonly base: string;
  readonly scope: string;
  readonly table: (request: FastifyRequest, access: Access) => RecordTable;
}

/** Records of objects, and of activities where the beta is on (Attio fact sheet, sections 4 and 7). */
export function recordRoutes(app: FastifyInstance, around: Around): void {
  const named = (request: FastifyRequest): string => paramsOf(request)['target'] ?? '';
  routesOf(app, around, {
    base: '/objects/:target/records',
    scope: 'record_permission:read',
    table: (request, { state }) => state.object(named(request)),
  });
  routesOf(app, around, {
    base: '/activities/:target/records',
    scope: 'activity_record:read',
    table: (request, { state }) => {
      if (!around.settings.activities) throw noEndpoint(request);
      return state.activity(named(request));
    },
  });

  app.post('/activities', async (request) => {
    if (!around.settings.activities) throw noEndpoint(request);
    const access = accessWith(request, around, 'activity_configuration:read-write');
    const data = dataOf(request);
    const slug = textIn(data, 'api_slug');
    textIn(data, 'singular_noun');
    textIn(data, 'plural_noun');
    if (!['activities', 'interactions', 'calls', 'emails'].includes(textIn(data, 'extends'))) {
      throw new Refusal(400, 'validation_type', 'Body payload validation error.');
    }
    if (access.state.activities.has(slug)) {
      throw new Refusal(409, 'slug_conflict', `An activity with the slug "${slug}" already exists.`);
    }
    const { owner } = access.state.defineActivity(slug).attributes;
    around.noteWrite(request, access, { person: null, recordId: null, values: data }, 'applied');
    return { data: { id: { workspace_id: owner.workspaceId, activity_id: owner.id }, api_slug: slug } };
  });
}

function routesOf(app: FastifyInstance, around: Around, { base, scope, table: tableOf }: Kind): void {
  const write = async (
    request: FastifyRequest,
    act: (table: RecordTable, values: Given, access: Access) => Row,
  ): Promise<{ data: object }> => {
    const access = accessWith(request, around, `${scope}-write`);
    const table = tableOf(request, access);
    const values = valuesIn(dataOf(request), 'values');
    try {
      const row = act(table, values, access);
      const person = personOf(row) ?? personIn(values);
      around.noteWrite(request, access, { person, recordId: row.id, values }, 'applied');
      return { data: renderRow(row, table.attributes) };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      around.noteWrite(request, access, { person: personIn(values), recordId: null, values }, error.code);
      throw error;
    }
  };
  const created = (table: RecordTable, access: Access, act: () => Row): Row => {
    const before = table.size;
    const row = act();
    if (table.size > before && table.attributes.owner.slug === 'people') {
      access.state.linkCompany(row, around.settings, around.now());
    }
    return row;
  };
  const recordId = (request: FastifyRequest): string => paramsOf(request)['record'] ?? '';

  app.put(base, async (request) =>
    write(request, (table, values, access) =>
      created(table, access, () => table.assert(queryOf(request)['matching_attribute'], values, around.now())),
    ),
  );
  app.post(base, async (request) =>
    write(request, (table, values, access) => created(table, access, () => table.create(values, around.now()))),
  );
  app.patch(`${base}/:record`, async (request) =>
    write(request, (table, values) => table.update(recordId(request), values, 'append', around.now())),
  );
  app.put(`${base}/:record`, async (request) =>
    write(request, (table, values) => table.update(recordId(request), values, 'replace', around.now())),
  );

  app.get(`${base}/:record`, async (request) => {
    const table = tableOf(request, accessWith(request, around, scope));
    return { data: renderRow(table.get(recordId(request)), table.attributes) };
  });
  app.post(`${base}/query`, async (request) => {
    const table = tableOf(request, accessWith(request, around, scope));
    const body = (request.body ?? {}) as Given;
    const { from, to } = pageOf(body, { limit: 500, most: 500 });
    const found = [...table.all()].filter((row) => matches(row, table.attributes, body['filter']));
    return { data: found.slice(from, to).map((row) => renderRow(row, table.attributes)) };
  });
}

function personOf(row: Row): string | null {
  return row.values.get('email_addresses')?.[0]?.key ?? null;
}

/** The first address that a request names. */
function personIn(values: Given): string | null {
  const given = values['email_addresses'];
  const [first]: readonly unknown[] = Array.isArray(given) ? given : [given];
  const text = typeof first === 'object' && first !== null ? (first as Given)['email_address'] : first;
  return typeof text === 'string' ? text.trim().toLowerCase() : null;
}
