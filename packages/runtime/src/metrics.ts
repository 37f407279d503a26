import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { MetricRegistry } from '@full-sync/metrics';
import { EnvironmentError } from './errors.ts';
import type { Health } from './health.ts';

export interface MetricsServerSettings {
  readonly host: string;
  /** 0 takes any free port; see `port` of the result. */
  readonly port: number;
  readonly registry: MetricRegistry;
  readonly health: Health;
}

export interface MetricsServer extends AsyncDisposable {
  readonly port: number;
}

async function answer(request: IncomingMessage, response: ServerResponse, { registry, health }: MetricsServerSettings) {
  const sendJson = (ok: boolean, body: unknown): void => {
    response.writeHead(ok ? 200 : 503, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
  const report = health.report();
  switch (request.url?.split('?')[0]) {
    case '/metrics': {
      const text = await registry.metrics();
      response.writeHead(200, { 'content-type': registry.contentType }).end(text);
      return;
    }
    case '/livez':
      sendJson(report.live, { live: report.live, ...(report.live ? {} : { reason: report.reason }) });
      return;
    case '/readyz':
      sendJson(report.live && report.ready, report);
      return;
    default:
      response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":"not found"}');
  }
}

/**
 * Serves `/metrics` (Prometheus text), `/livez` and `/readyz` (200 or 503, JSON). Throws an EnvironmentError when the
 * port is taken or may not be opened.
 */
export async function startMetricsServer(settings: MetricsServerSettings): Promise<MetricsServer> {
  const { host, port } = settings;
  const server = createServer((request, response) => {
    answer(request, response, settings).catch((error: unknown) => {
      // A metric's collect function failed: the scrape shows it as down, and the process goes on.
      response.destroy(error instanceof Error ? error : new Error(String(error)));
    });
  });
  server.listen(port, host);
  await new Promise<void>((resolve, reject) => {
    server.once('listening', resolve);
    server.once('error', (cause) => {
      reject(
        new EnvironmentError(`cannot serve metrics on ${host}:${port}: ${cause.message}`, {
          hint: 'set METRICS_HOST or the <SERVICE>_METRICS_PORT variable to an address that is free; port 0 takes any',
          cause,
        }),
      );
    });
  });
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
