import { deleteNamespace, listNamespaces, sqlState } from '@full-sync/database';
import type { ListedNamespace } from '@full-sync/database';
import Type from 'typebox';
import type { ApiContext } from '../context.ts';
import { ApiError } from '../errors.ts';
import type { ApiServer } from '../api-server.ts';
import { problems } from './shapes.ts';

const namespaceForm = /^[a-z0-9_-]{1,63}$/;
const strict = { additionalProperties: false };

const namespaceShape = Type.Object({
  name: Type.String(),
  platforms: Type.Array(Type.String()),
  rows: Type.Integer({ description: 'Rows written to event_source and live; rows deleted by hand are still counted.' }),
  rows_by_platform: Type.Record(Type.String(), Type.Integer()),
  last_sync: Type.Union([
    Type.Object({
      jobId: Type.String(),
      syncMode: Type.String(),
      status: Type.String({ description: 'completed, failed or cancelled' }),
      completed_at: Type.String({ format: 'date-time' }),
    }),
    Type.Null(),
  ]),
  open_jobs: Type.Array(Type.String(), { description: 'Jobs that write to it now.' }),
  created_at: Type.String({ format: 'date-time' }),
});

const confirmation = Type.Object(
  { confirm: Type.Optional(Type.String({ maxLength: 100, description: 'the name of the namespace' })) },
  strict,
);

/** The namespaces and what they hold; deleting one with all its rows. */
export function registerNamespaces(app: ApiServer, { db, logger }: ApiContext): void {
  app.route({
    method: 'GET',
    url: '/api/namespaces',
    config: { scope: 'sync:read' },
    schema: {
      tags: ['namespaces'],
      summary: 'All namespaces by name',
      operationId: 'listNamespaces',
      response: { 200: Type.Object({ namespaces: Type.Array(namespaceShape) }), ...problems(403, 503) },
    },
    handler: async () => ({ namespaces: (await listNamespaces(db.pool)).map(show) }),
  });

  app.route({
    method: 'DELETE',
    url: '/api/namespaces/:name',
    config: { scope: 'admin' },
    schema: {
      tags: ['namespaces'],
      summary: 'Delete a namespace with all its rows, collisions, dead letters and cursors',
      description:
        'Needs the name once more, as ?confirm=<name> or as {"confirm": "<name>"} in the body. Not possible while a job writes to the namespace. Jobs of the past keep their summaries; the name can be used again. What is deleted here stays at the source: the next sync brings it back.',
      operationId: 'deleteNamespace',
      params: Type.Object({ name: Type.String() }),
      querystring: confirmation,
      response: {
        200: Type.Object({
          success: Type.Literal(true),
          name: Type.String(),
          deleted: Type.Object({ rows: Type.Integer(), collisions: Type.Integer(), dead_letters: Type.Integer() }),
        }),
        ...problems(400, 403, 404, 409, 503),
      },
    },
    handler: async (request) => {
      const { name } = request.params;
      const confirm = request.query.confirm ?? confirmIn(request.body);
      if (confirm !== name) {
        const message = `Deleting namespace ${quote(name)} must be confirmed by its name: ?confirm=<name>.`;
        const faults = [{ pointer: '/confirm', message: `expected ${quote(name)}` }];
        throw new ApiError('NS_002', message, { faults });
      }
      const deletion = namespaceForm.test(name) ? await deleteOrExplain(name) : ({ kind: 'unknown' } as const);
      if (deletion.kind === 'unknown') throw new ApiError('NS_001', `There is no namespace ${quote(name)}.`);
      if (deletion.kind === 'busy') {
        const message = `Job ${deletion.jobId} writes to namespace ${name}; cancel it or wait until it has ended.`;
        throw new ApiError('SYNC_003', message, { extra: { conflictingJobId: deletion.jobId } });
      }
      const { rows, collisions, deadLetters } = deletion;
      logger.warn({ namespace: name, rows, collisions, deadLetters }, 'namespace deleted');
      return { success: true as const, name, deleted: { rows, collisions, dead_letters: deadLetters } };
    },
  });

  async function deleteOrExplain(name: string): ReturnType<typeof deleteNamespace> {
    try {
      return await deleteNamespace(db, name);
    } catch (error) {
      const code = sqlState(error);
      if (code === '55P03')
        throw new ApiError('NS_003', 'Its tables are being read by long transactions; nothing was deleted, try again.');
      if (code === '2BP01' && error instanceof Error)
        throw new ApiError('NS_003', `Something of yours depends on its tables; nothing was deleted: ${error.message}`);
      throw error;
    }
  }
}

/** Bodies of a DELETE are allowed and mean nothing by themselves, so no schema stands for this one. */
function confirmIn(body: unknown): unknown {
  return typeof body === 'object' && body !== null && 'confirm' in body ? body.confirm : undefined;
}

function show({ namespace, createdAt, rows, lastSync, openJobs }: ListedNamespace) {
  return {
    name: namespace,
    platforms: rows.map(({ platform }) => platform),
    rows: rows.reduce((sum, platform) => sum + platform.rows, 0),
    rows_by_platform: Object.fromEntries(rows.map((platform) => [platform.platform, platform.rows])),
    last_sync:
      lastSync === null
        ? null
        : {
            jobId: lastSync.jobId,
            syncMode: lastSync.syncMode,
            status: lastSync.status,
            completed_at: new Date(lastSync.completedAtMs).toISOString(),
          },
    open_jobs: [...openJobs],
    created_at: createdAt.toISOString(),
  };
}

function quote(name: string): string {
  return JSON.stringify(name.slice(0, 80));
}
