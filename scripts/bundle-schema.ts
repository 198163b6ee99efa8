/** Writes models/bundle.schema.json, for editors and for those who make bundles: `tools/run node scripts/bundle-schema.ts`. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { manifestJsonSchema } from '../src/adapters/model-repository/manifest-schema.ts';

const path = fileURLToPath(new URL('../models/bundle.schema.json', import.meta.url));
writeFileSync(path, `${JSON.stringify(manifestJsonSchema(), null, 2)}\n`);
