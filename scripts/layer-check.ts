/**
 * Checks a source tree against the layer rules.
 *
 * C1. Type imports count: a type that points outward ties the layers together as much as a value does.
 * C2. No cycles between files, type imports included.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { findImports } from './import-scanner.ts';
import { LAYER_EXCEPTIONS, LAYERS, OWNED_PACKAGES, PURE_LAYERS } from './layer-rules.ts';

export interface Violation {
  /** Relative to the tree's parent: `src/core/x.ts`. */
  readonly file: string;
  readonly line: number;
  readonly rule: string;
}

interface Edge {
  readonly from: string;
  readonly to: string;
  readonly line: number;
}

/** Every violation below `root` (a `src` folder), in the order of files and lines. */
export function checkLayers(root: string): readonly Violation[] {
  const violations: Violation[] = [];
  const edges: Edge[] = [];
  for (const from of sourceFiles(root)) {
    const text = readFileSync(join(root, from), 'utf8');
    for (const { specifier, line } of findImports(text)) {
      const to = specifier.startsWith('.') ? targetOf(root, from, specifier) : undefined;
      const rule = to === undefined ? packageProblem(from, specifier) : layerProblem(from, to);
      if (rule !== undefined) violations.push({ file: `src/${from}`, line, rule });
      if (to !== undefined) edges.push({ from, to, line });
    }
  }
  return [...violations, ...cycleViolations(edges)];
}

function sourceFiles(root: string): readonly string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort();
}

/** The imported file below root; a `.js` name stands for its source. Paths that leave root keep their `../`. */
function targetOf(root: string, from: string, specifier: string): string {
  const absolute = resolve(root, dirname(from), specifier);
  const source =
    absolute.endsWith('.js') && !existsSync(absolute) ? absolute.replace(/\.js$/, '.ts') : absolute;
  return relative(root, source).split(sep).join('/');
}

function layerProblem(from: string, to: string): string | undefined {
  const layer = layerOf(from);
  const allowed = LAYERS[layer];
  if (allowed === undefined) return `src/${layer} is no layer; name it in scripts/layer-rules.ts`;
  if (to.startsWith('../'))
    return to.endsWith('.json') ? undefined : `${layer} imports from outside src (${to})`;
  const target = layerOf(to);
  if (layer === 'adapters' && target === 'adapters') {
    const [own, other] = [from.split('/')[1], to.split('/')[1]];
    return own === other ? undefined : `adapter ${own} imports adapter ${other}`;
  }
  const isAllowed = allowed.includes(target) || LAYER_EXCEPTIONS[from]?.includes(target) === true;
  return isAllowed ? undefined : `${layer} must not import ${target} (${to})`;
}

function packageProblem(from: string, specifier: string): string | undefined {
  const layer = layerOf(from);
  const pure = PURE_LAYERS[layer];
  const name = packageName(specifier);
  if (pure !== undefined && !pure.includes(name)) return `${layer} is pure and must not import ${name}`;
  for (const [pattern, folders] of Object.entries(OWNED_PACKAGES)) {
    const owned = pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
    if (owned && !folders.some((folder) => from.startsWith(`${folder}/`))) {
      return `${name} may be imported in src/${folders.join(', src/')} only`;
    }
  }
  return undefined;
}

function packageName(specifier: string): string {
  if (specifier.startsWith('node:')) return specifier;
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

function layerOf(path: string): string {
  return path.split('/', 1)[0] ?? '';
}

/** One violation for each import that closes a cycle, naming the whole of it (C2). */
function cycleViolations(edges: readonly Edge[]): readonly Violation[] {
  const next = Map.groupBy(edges, (edge) => edge.from);
  const state = new Map<string, 'open' | 'done'>();
  const path: string[] = [];
  const violations: Violation[] = [];
  const visit = (file: string): void => {
    state.set(file, 'open');
    path.push(file);
    for (const edge of next.get(file) ?? []) {
      if (state.get(edge.to) === 'open') {
        const cycle = [...path.slice(path.indexOf(edge.to)), edge.to].join(' -> ');
        violations.push({ file: `src/${file}`, line: edge.line, rule: `import cycle: ${cycle}` });
      } else if (!state.has(edge.to)) visit(edge.to);
    }
    path.pop();
    state.set(file, 'done');
  };
  for (const file of next.keys()) if (!state.has(file)) visit(file);
  return violations;
}
