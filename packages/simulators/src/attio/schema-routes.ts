import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Around } from './around.ts';
import { accessWith, dataOf, noEndpoint, pageOf, paramsOf, queryOf } from './around.ts';
import type { AttributeRegistry } from './attributes.ts';
import { renderAttribute, renderOption } from './attributes.ts';
import type { Access } from './manners.ts';
import { tokenOf } from './manners.ts';
import { Refusal } from './refusal.ts';

const SCOPES = {
  objects: 'object_configuration:read',
  lists: 'list_configuration:read',
  activities: 'activity_configuration:read',
} as const;
type Kind = keyof typeof SCOPES;

/** `/self`, and the configuration of objects, lists and activities (Attio fact sheet, sections 1 and 6). */
export function schemaRoutes(app: FastifyInstance, around: Around): void {
  app.get('/self', async (request) => {
    if (tokenOf(request) === null) throw new Refusal(400, 'missing_value', 'No valid access token was provided.');
    const access = around.accessOf(request);
    if (access === null) return { active: false };
    const { workspace } = access.state;
    return {
      active: true,
      scope: access.token.scopes.join(' '),
      client_id: workspace.id,
      token_type: 'Bearer',
      exp: null,
      iat: 0,
      sub: workspace.id,
      aud: workspace.id,
      iss: 'attio.com',
      authorized_by_workspace_member_id: workspace.id,
      workspace_id: workspace.id,
      workspace_name: workspace.name,
      workspace_slug: workspace.name.toLowerCase(),
      workspace_logo_url: null,
    };
  });

  app.get('/objects/:target', async (request) => {
    const { state } = accessWith(request, around, SCOPES.objects);
    const { owner } = state.object(paramsOf(request)['target'] ?? '').attributes;
    return { data: { id: { workspace_id: owner.workspaceId, object_id: owner.id }, api_slug: owner.slug } };
  });

  app.get('/lists/:target', async (request) => {
    const { state } = accessWith(request, around, SCOPES.lists);
    const list = state.list(paramsOf(request)['target'] ?? '');
    const { owner } = list.entries.attributes;
    const id = { workspace_id: owner.workspaceId, list_id: owner.id };
    return { data: { id, api_slug: owner.slug, parent_object: [list.parentObject] } };
  });

  for (const kind of Object.keys(SCOPES) as Kind[]) attributeRoutes(app, around, kind);
}

function attributeRoutes(app: FastifyInstance, around: Around, kind: Kind): void {
  const base = `/${kind}/:target/attributes`;
  const registryOf = (request: FastifyRequest, scope: string): { access: Access; registry: AttributeRegistry } => {
    if (kind === 'activities' && !around.settings.activities) throw noEndpoint(request);
    const access = accessWith(request, around, scope);
    const target = paramsOf(request)['target'] ?? '';
    if (kind === 'objects') return { access, registry: access.state.object(target).attributes };
    if (kind === 'lists') return { access, registry: access.state.list(target).entries.attributes };
    return { access, registry: access.state.activity(target).attributes };
  };
  const noted = (request: FastifyRequest, access: Access, values: unknown): void =>
    around.noteWrite(request, access, { person: null, recordId: null, values }, 'applied');

  app.get(base, async (request) => {
    const { registry } = registryOf(request, SCOPES[kind]);
    const { from, to } = pageOf(queryOf(request), { limit: 500, most: 500 });
    return {
      data: registry
        .all()
        .slice(from, to)
        .map((one) => renderAttribute(one, registry.owner)),
    };
  });

  app.get(`${base}/:attribute`, async (request) => {
    const { registry } = registryOf(request, SCOPES[kind]);
    return { data: renderAttribute(registry.get(paramsOf(request)['attribute'] ?? ''), registry.owner) };
  });

  app.post(base, async (request) => {
    const { access, registry } = registryOf(request, `${SCOPES[kind]}-write`);
    const data = dataOf(request);
    const attribute = registry.create(data, around.now());
    noted(request, access, data);
    return { data: renderAttribute(attribute, registry.owner) };
  });

  for (const [path, type] of [
    ['options', 'select'],
    ['statuses', 'status'],
  ] as const) {
    app.get(`${base}/:attribute/${path}`, async (request) => {
      const { registry } = registryOf(request, SCOPES[kind]);
      const attribute = registry.get(paramsOf(request)['attribute'] ?? '');
      return { data: attribute.options.map((option) => renderOption(option, attribute, registry.owner)) };
    });

    app.post(`${base}/:attribute/${path}`, async (request) => {
      const { access, registry } = registryOf(request, `${SCOPES[kind]}-write`);
      const attribute = registry.get(paramsOf(request)['attribute'] ?? '');
      const data = dataOf(request);
      const option = registry.addOption(attribute, data['title'], type);
      noted(request, access, data);
      return { data: renderOption(option, attribute, registry.owner) };
    });
  }
}
