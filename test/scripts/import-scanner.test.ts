import { describe, expect, it } from 'vitest';
import { findImports } from '../../scripts/import-scanner.ts';

const specifiers = (source: string) => findImports(source).map(({ specifier }) => specifier);

describe('findImports', () => {
  it('finds every form that names a module', () => {
    const source = `
import a from './a.ts';
import type { B } from "./b.ts";
import { c, type D } from './c.ts';
import {
  e,
  f as g,
} from './e.ts';
import * as h from './h.ts';
import './i.ts';
import data from './j.json' with { type: 'json' };
export { k } from './k.ts';
export * from './l.ts';
export type { M } from './m.ts';
const n = await import('./n.ts');
const o = require('./o.cjs');
type P = import('./p.ts').P;
const q = new URL('./q.ts', import.meta.url);
`;
    expect(specifiers(source)).toEqual(
      [
        'a.ts',
        'b.ts',
        'c.ts',
        'e.ts',
        'h.ts',
        'i.ts',
        'j.json',
        'k.ts',
        'l.ts',
        'm.ts',
        'n.ts',
        'o.cjs',
        'p.ts',
        'q.ts',
      ].map((name) => `./${name}`),
    );
  });

  it('gives the line of the specifier', () => {
    expect(findImports("// one\nimport {\n  a,\n} from './a.ts';\n")).toEqual([
      { specifier: './a.ts', line: 4 },
    ]);
  });

  it('is not misled by comments, strings, templates or regular expressions', () => {
    const source = `
// import a from './a.ts';
/* import b from './b.ts';
   export * from './c.ts' */
const d = "import e from './e.ts'";
const f = \`
import g from './g.ts';
\`;
const h = /import i from '.\\/i.ts'/;
export const j = './j.ts';
export const k = { from: './k.ts' };
const important = 'x';
obj.import('./m.ts');
const n = new URL('../../', import.meta.url);
const o = new URL('./p.ts', base);
import real from './real.ts';
`;
    expect(specifiers(source)).toEqual(['./real.ts']);
  });
});
