import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify from 'fastify';
import { answerErrors } from './answer-errors.ts';
import { answerOnce } from './answer-once.ts';
import type { ApiServer } from './api-server.ts';
import type { ApiContext } from './context.ts';
import { describeApi, docsPath } from './describe.ts';
import { ApiError } from './errors.ts';
import { createKnownPaths } from './known-paths.ts';
import { guardRequests } from './guard-requests.ts';
import { refuseConnection } from './refuse-connections.ts';
import { registerDatabase } from './routes/database.ts';
import { registerDeadLetters } from './routes/dead-letters.ts';
import { registerEventKeys } from './routes/event-keys.ts';
import { registerFullSync } from './routes/full-sync.ts';
import { registerHealth } from './routes/health.ts';
import { registerJobControl } from './routes/job-control.ts';
import { registerJobEvents } from './routes/job-events.ts';
import { registerJobs } from './routes/jobs.ts';
import { registerNamespaces } from './routes/namespaces.ts';
import { registerMetrics } from './routes/metrics.ts';
import type { KnownRoute } from './route-rules.ts';
import { compileValidator } from './validation.ts';

/** Methods whose bodies are not looked at. */
const bodiless: ReadonlySet<string> = new Set(['GET', 'HEAD']);

const maxBodyBytes = 1_048_576;
/** As long as the whole head of a request may be: an id too long to be one is unknown, as any other is. */
const maxParamLength = 16_384;

/** Builds the HTTP server with all routes; the caller listens and closes. `onRoute` is told of every route. */
export async function buildServer(
  context: ApiContext,
  onRoute: (route: KnownRoute) => void = () => undefined,
): Promise<ApiServer> {
  const paths = createKnownPaths();
  const answers = answerErrors(context.logger, paths.methodsOf);
  const app: ApiServer = Fastify({
    logger: false,
    bodyLimit: maxBodyBytes,
    // From the first byte (or the opening of the connection) to the last of the body.
    requestTimeout: 30_000,
    keepAliveTimeout: 65_000,
    // Without a Host it is refused below, with a problem like everything else.
    http: { headersTimeout: 10_000, connectionsCheckingInterval: 1_000, requireHostHeader: false },
    clientErrorHandler: refuseConnection,
    // A drain must not wait for clients that keep their connections.
    forceCloseConnections: 'idle',
    frameworkErrors: answers.onError,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength },
  }).withTypeProvider<TypeBoxTypeProvider>();

  app.setValidatorCompiler(compileValidator);
  // Answers are made by typed code; a schema that silently drops what it does not know would hide mistakes.
  app.setSerializerCompiler(() => (value) => JSON.stringify(value));
  app.setErrorHandler(answers.onError);
  app.setNotFoundHandler(answers.onNotFound);

  app.addHook('onRequest', async ({ headers }) => {
    if (headers.host === undefined) throw new ApiError('API_004', 'The request names no Host.');
  });
  guardRequests(app, context);
  app.addHook('onRequest', async (request) => {
    const encoding = request.headers['content-encoding'] ?? 'identity';
    if (encoding !== 'identity' && !bodiless.has(request.method))
      throw new ApiError('API_008', `Bodies with content-encoding ${encoding.slice(0, 40)} are not read.`);
    // `curl -d` says that its JSON is a form: what is in the body decides.
    if (request.headers['content-type'] !== undefined) request.headers['content-type'] = 'application/json';
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => {
    try {
      const text = String(body).replace(/^\u{FEFF}/u, '');
      done(null, text.trim() === '' ? undefined : JSON.parse(text));
    } catch {
      done(new ApiError('API_004', 'The body is not JSON.', { faults: [{ pointer: '', message: 'is not JSON' }] }));
    }
  });

  answerOnce(app, context);

  app.addHook('onRoute', (route) => {
    if (route.url === docsPath || route.url.startsWith(`${docsPath}/`)) route.config = { scope: 'open' };
    const { url, config } = route;
    for (const method of [route.method].flat()) {
      paths.add(method, url);
      onRoute({ method, url, scope: config?.scope ?? null });
    }
  });
  await describeApi(app);
  registerHealth(app, context);
  registerFullSync(app, context);
  registerJobs(app, context);
  registerJobControl(app, context);
  registerJobEvents(app, context);
  registerDeadLetters(app, context);
  registerEventKeys(app, context);
  registerDatabase(app, context);
  registerMetrics(app, context);
  registerNamespaces(app, context);
  return app;
}
