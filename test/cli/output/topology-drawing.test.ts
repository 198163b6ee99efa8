import { describe, expect, it } from 'vitest';
import { drawReport } from '../../../src/cli/output/topology-drawing.ts';

describe('the report about the topics of a cluster', () => {
  it('names what is missing and what differs, with both values', () => {
    const drift = [{ topic: 'uploads', property: 'cleanup', wanted: 'delete', found: 'compact' }];
    expect(drawReport({ missing: ['scores'], drift })).toEqual([
      'not on the cluster yet: scores',
      'drift: uploads: cleanup is compact, wanted delete',
    ]);
  });

  it('says so when nothing differs', () => {
    expect(drawReport({ missing: [], drift: [] })).toEqual([
      'the cluster has these topics as they are drawn',
    ]);
  });
});
