import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

/** A container of the image that the Dockerfile makes, as docker-compose.yml starts it. */
export interface Container {
  readonly name: string;
  /** Instead of the image's. */
  readonly entrypoint: readonly string[] | null;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** The command that tells whether it is well; null for one that ends by itself. */
  readonly healthcheck: readonly string[] | null;
  readonly stopGraceMs: number;
}

interface ServiceFile {
  readonly build?: string;
  readonly entrypoint?: readonly string[];
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string | number>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly stop_grace_period: string;
}

/** The containers of our own image, with every variable at the default that is written in the file. */
export function readContainers(root: string): readonly Container[] {
  const text = readFileSync(join(root, 'docker-compose.yml'), 'utf8').replaceAll(/\$\{\w+(?::-([^}]*))?\}/g, '$1');
  const { services } = parse(text, { merge: true }) as { readonly services: Readonly<Record<string, ServiceFile>> };
  return Object.entries(services)
    .filter(([, service]) => service.build !== undefined)
    .map(([name, service]) => ({
      name,
      entrypoint: service.entrypoint ?? null,
      command: service.command,
      env: Object.fromEntries(
        Object.entries(service.environment ?? {}).map(([key, value]) => [key, value === null ? '' : String(value)]),
      ),
      healthcheck: service.healthcheck?.test.slice(1) ?? null,
      stopGraceMs: Number.parseInt(service.stop_grace_period, 10) * 1_000,
    }));
}
