/**
 * The imports of a TypeScript file, found without a parser: comments and the insides of strings are blanked first, then
 * the few forms that name a module are matched.
 *
 * Known forms: `import … from 'x'`, `import 'x'`, `export … from 'x'`, `import('x')`, `require('x')`, `import x = require('x')`,
 * types in `import('x').Y`, and `new URL('x.ts', import.meta.url)`, by which worker and child entries are named.
 */

export interface FoundImport {
  readonly specifier: string;
  /** From 1. */
  readonly line: number;
}

export function findImports(source: string): readonly FoundImport[] {
  const { code, strings } = blankOut(source);
  const found: FoundImport[] = [];
  const forms = [
    /(?<![\w$.])(?:import|export)\b(?=[\s{*"'`])(?:[^;"'`()]|\bfrom\b)*?(?<quote>["'`])/g,
    /(?<![\w$.])(?:import|require)\s*\(\s*(?<quote>["'`])/g,
    /(?<![\w$.])new\s+URL\s*\(\s*(?<quote>["'`])/g,
  ];
  for (const form of forms) {
    for (const match of code.matchAll(form)) {
      const start = match.index + match[0].length - 1;
      const specifier = strings.get(start);
      if (specifier === undefined || !isModuleForm(match[0], code, start, specifier)) continue;
      found.push({ specifier, line: lineAt(source, start) });
    }
  }
  return found.sort((a, b) => a.line - b.line);
}

/** `export const x = 'text'` matches the first form as well; only `from` or a bare `import 'x'` names a module there. */
function isModuleForm(text: string, code: string, start: number, specifier: string): boolean {
  if (/^new\b/.test(text)) {
    return (
      /^\..*\.[jt]s$/.test(specifier) &&
      /^["'`]\s*,\s*import\.meta\.url/.test(code.slice(start + specifier.length + 1))
    );
  }
  return /\(\s*["'`]$/.test(text) || /\bfrom\s*["'`]$/.test(text) || /^import\s*["'`]$/.test(text);
}

interface Blanked {
  /** The source with comments and string contents as spaces; every character keeps its place. */
  readonly code: string;
  /** Contents of each string, by the place of its opening quote. */
  readonly strings: ReadonlyMap<number, string>;
}

const TOKENS =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\[\s\S]|[^`\\])*`|(?<=(?:^|[=(,:[!&|?{};>]|\breturn)\s*)\/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\//gm;

function blankOut(source: string): Blanked {
  const strings = new Map<number, string>();
  const code = source.replace(TOKENS, (token: string, offset: number) => {
    const blank = (text: string) => text.replace(/[^\n]/g, ' ');
    const first = token[0] ?? '';
    if (first === '/') return blank(token);
    const inner = token.slice(1, -1);
    strings.set(offset, inner);
    return first + blank(inner) + first;
  });
  return { code, strings };
}

function lineAt(source: string, offset: number): number {
  let line = 1;
  for (let i = source.indexOf('\n'); i !== -1 && i < offset; i = source.indexOf('\n', i + 1)) line++;
  return line;
}
