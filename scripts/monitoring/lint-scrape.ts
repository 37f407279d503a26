import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import { fieldsOf } from '../parsed-fields.ts';
import type { Fields } from '../parsed-fields.ts';

/* Whether Prometheus finds every process, and Grafana what it is to show. */

const PROMETHEUS = 'deploy/prometheus';

/** What is wrong with the scrape configuration and the provisioning below `root`, a line each. */
export function scrapeProblems(root: string): readonly string[] {
  const read = (path: string): unknown => parse(readFileSync(join(root, path), 'utf8'), { merge: true });
  const config = fieldsOf(read(`${PROMETHEUS}/prometheus.yml`));
  const services = readdirSync(join(root, 'services'));
  return [
    ...ruleFileProblems(root, config),
    ...targetProblems(services, read(`${PROMETHEUS}/targets.yml`), fieldsOf(read('docker-compose.yml'))),
    ...provisioningProblems(root, read),
  ];
}

function ruleFileProblems(root: string, config: Fields): readonly string[] {
  const patterns = Array.isArray(config['rule_files']) ? config['rule_files'].map(String) : [];
  const missing = patterns.filter((pattern) => !existsSync(join(root, PROMETHEUS, dirname(pattern))));
  const targets = JSON.stringify(config['scrape_configs'] ?? []).includes('targets.yml');
  return [
    ...(patterns.length === 0 ? ['reads no rules'] : []),
    ...missing.map((pattern) => `reads ${pattern}, which does not exist`),
    ...(targets ? [] : ['does not scrape targets.yml']),
  ].map((problem) => `${PROMETHEUS}/prometheus.yml: ${problem}`);
}

/** Every service once, at the port where its container answers. */
function targetProblems(services: readonly string[], file: unknown, compose: Fields): readonly string[] {
  const groups = Array.isArray(file) ? file.map(fieldsOf) : [];
  const named = (service: string): readonly string[] =>
    groups
      .filter((group) => fieldsOf(group['labels'])['service'] === service)
      .flatMap((group) => (Array.isArray(group['targets']) ? group['targets'].map(String) : []));
  return services
    .flatMap((service) => {
      const [address] = named(service);
      if (address === undefined) return [`${service} is not scraped`];
      const test = JSON.stringify(
        fieldsOf(fieldsOf(fieldsOf(compose['services'])[service])['healthcheck'])['test'] ?? '',
      );
      const port = /:(?:\$\{\w+:-)?(\d+)\}?\/readyz/.exec(test)?.[1];
      return address === `127.0.0.1:${port}`
        ? []
        : [`${service} is scraped at ${address}, and answers at port ${port}`];
    })
    .map((problem) => `${PROMETHEUS}/targets.yml: ${problem}`);
}

function provisioningProblems(root: string, read: (path: string) => unknown): readonly string[] {
  const folder = 'deploy/grafana/provisioning';
  const sources = fieldsOf(read(`${folder}/datasources/prometheus.yml`))['datasources'];
  const providers = fieldsOf(read(`${folder}/dashboards/full-sync.yml`))['providers'];
  const source = fieldsOf(Array.isArray(sources) ? sources[0] : undefined);
  const provider = fieldsOf(Array.isArray(providers) ? providers[0] : undefined);
  const path = String(fieldsOf(provider['options'])['path']);
  const mounted = readFileSync(join(root, 'docker-compose.yml'), 'utf8').includes(
    `./deploy/grafana/dashboards:${path}:ro`,
  );
  return [
    ...(source['type'] === 'prometheus' && source['isDefault'] === true ? [] : ['has no default data source']),
    ...(mounted ? [] : [`reads dashboards from ${path}, where docker-compose.yml mounts none`]),
  ].map((problem) => `${folder}: ${problem}`);
}
