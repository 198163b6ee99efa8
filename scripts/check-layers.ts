/** `node scripts/check-layers.ts [SRC]`: exits 1 with file:line and the rule for each import that breaks the layers. */
import { fileURLToPath } from 'node:url';
import { checkLayers } from './layer-check.ts';

const root = process.argv[2] ?? fileURLToPath(new URL('../src/', import.meta.url));
const violations = checkLayers(root);
for (const { file, line, rule } of violations) console.error(`${file}:${line}: ${rule}`);
if (violations.length > 0) process.exitCode = 1;
else console.error('layers: ok');
