import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { manifestJsonSchema } from '../../../src/adapters/model-repository/manifest-schema.ts';

it('is published as JSON Schema, as it is (scripts/bundle-schema.ts writes it)', () => {
  const published = readFileSync(new URL('../../../models/bundle.schema.json', import.meta.url), 'utf8');
  expect(JSON.parse(published)).toEqual(manifestJsonSchema());
});
