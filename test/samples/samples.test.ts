import { readdirSync, readFileSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { samplePath } from '../support/media-objects.ts';

interface Row {
  readonly uploadId: string;
  readonly media: { readonly uri: string };
}

const clips = readdirSync(samplePath('.')).filter((name) => name.endsWith('.mp4'));

describe('the sample clips', () => {
  it('stay under six megabytes in all', () => {
    const bytes = clips.reduce((sum, name) => sum + statSync(samplePath(name)).size, 0);
    expect(bytes).toBeLessThan(6e6);
  });

  it('each have one row in uploads.jsonl and a line of attribution', () => {
    const lines = readFileSync(samplePath('uploads.jsonl'), 'utf8').trim().split('\n');
    const rows = lines.map((line) => JSON.parse(line) as Row);
    expect(rows.map(({ media }) => media.uri).sort()).toEqual([...clips].sort());
    expect(new Set(rows.map(({ uploadId }) => uploadId)).size).toBe(rows.length);
    const attribution = readFileSync(samplePath('ATTRIBUTION.md'), 'utf8');
    for (const clip of clips) expect(attribution).toContain(`\`${clip}\``);
  });
});
