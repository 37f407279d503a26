import { parseSync, Visitor } from 'oxc-parser';
import type { Node, VisitorObject } from 'oxc-parser';

/** One place where a module reaches for another; `specifier` is null when it is computed at run time. */
export type ImportFact = { readonly specifier: string | null; readonly line: number };

/** A use of something that is not a pure function of its arguments: what, and where. */
export type UseFact = { readonly what: string; readonly line: number };

/** What the boundary rules need to know of a source file. */
export type ModuleFacts = {
  readonly path: string;
  readonly imports: readonly ImportFact[];
  readonly environmentReads: readonly UseFact[];
  readonly impurities: readonly UseFact[];
};

const IMPURE_GLOBALS: ReadonlySet<string> = new Set(
  'setTimeout setInterval setImmediate queueMicrotask fetch performance process console WebSocket EventSource'.split(
    ' ',
  ),
);
const IMPURE_MEMBERS: ReadonlySet<string> = new Set(
  'Date.now Math.random crypto.randomUUID crypto.getRandomValues Atomics.wait'.split(' '),
);

/**
 * Reads a TypeScript or JavaScript module with a real parser: imports of every form (static, re-export, dynamic, `import()` types,
 * `require`, `import x = require()`), reads of `process.env` and uses of clock, randomness and I/O. Throws on a file that does not parse:
 * a file nobody could read is not a file without violations.
 */
export function readModule(path: string, text: string): ModuleFacts {
  const parsed = parseSync(path, text, { lang: path.endsWith('.ts') ? 'ts' : 'js', sourceType: 'module' });
  const [error] = parsed.errors;
  if (error !== undefined) throw new Error(`${path}: cannot be parsed: ${error.message}`);

  const lineAt = lineFinder(text);
  const imports: ImportFact[] = [];
  const environmentReads: UseFact[] = [];
  const impurities: UseFact[] = [];
  const imported = (node: Node | null, start: number): void => {
    imports.push({ specifier: literalText(node), line: lineAt(start) });
  };
  const readsEnvironment = (what: string, start: number): void => {
    environmentReads.push({ what, line: lineAt(start) });
  };
  const usesGlobal = (name: string | null, start: number): void => {
    if (name !== null && IMPURE_GLOBALS.has(name)) impurities.push({ what: name, line: lineAt(start) });
  };

  const visitor: VisitorObject = {
    ImportDeclaration(node) {
      imported(node.source, node.start);
      if (!/^(node:)?process$/.test(node.source.value)) return;
      for (const entry of node.specifiers) {
        if (entry.type === 'ImportSpecifier' && nameOf(entry.imported) === 'env')
          readsEnvironment('import of env', entry.start);
      }
    },
    ExportAllDeclaration: (node) => imported(node.source, node.start),
    ExportNamedDeclaration(node) {
      if (node.source !== null) imported(node.source, node.start);
    },
    ImportExpression: (node) => imported(node.source, node.start),
    TSImportType: (node) => imported(node.source, node.start),
    TSExternalModuleReference: (node) => imported(node.expression, node.start),
    CallExpression(node) {
      if (node.callee.type !== 'Identifier') return;
      usesGlobal(node.callee.name, node.start);
      if (node.callee.name === 'require') imported(node.arguments[0] ?? null, node.start);
    },
    MemberExpression(node) {
      const member = nameOf(node.property);
      const owner = node.object.type === 'MemberExpression' ? nameOf(node.object.property) : nameOf(node.object);
      if (owner === 'process' && member === 'env') readsEnvironment('process.env', node.start);
      if (IMPURE_MEMBERS.has(`${owner}.${member}`))
        impurities.push({ what: `${owner}.${member}`, line: lineAt(node.start) });
      usesGlobal(owner === 'globalThis' ? member : owner, node.start);
    },
    VariableDeclarator(node) {
      if (nameOf(node.init) !== 'process' || node.id.type !== 'ObjectPattern') return;
      const named = node.id.properties.map((entry) => (entry.type === 'Property' ? nameOf(entry.key) : null));
      if (named.includes('env')) readsEnvironment('process.env', node.start);
    },
    NewExpression(node) {
      if (nameOf(node.callee) === 'Date' && node.arguments.length === 0) {
        impurities.push({ what: 'new Date() without a time', line: lineAt(node.start) });
      }
    },
  };
  new Visitor(visitor).visit(parsed.program);
  return { path, imports, environmentReads, impurities };
}

function nameOf(node: Node | null): string | null {
  if (node === null) return null;
  if (node.type === 'Identifier') return node.name;
  return literalText(node);
}

function literalText(node: Node | null): string | null {
  if (node === null) return null;
  if (node.type === 'Literal') return typeof node.value === 'string' ? node.value : null;
  if (node.type !== 'TemplateLiteral' || node.expressions.length > 0) return null;
  return node.quasis[0]?.value.cooked ?? null;
}

function lineFinder(text: string): (offset: number) => number {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    const next = starts.findIndex((start) => start > offset);
    return next < 0 ? starts.length : next;
  };
}
