import { describe, expect, it } from 'vitest';
import { betaPrior } from '../../../src/core/prior.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { evaluate } from '../../../src/stages/score/evaluate.ts';
import { textOnlyFeatures } from '../../../src/stages/score/text-features.ts';
import { uploadEvent, uploadFeatures } from '../../support/upload-fixtures.ts';

const prior = (ecr: number) => betaPrior(10 * ecr, 10 * (1 - ecr));

describe('evaluating a bundle', () => {
  it('is perfect for scores in the order of the labels, and gives intervals around every metric', () => {
    const rows = [0.2, 0.3, 0.4, 0.5, 0.6, 0.7].map((ecr, i) => ({
      label: Math.floor(i / 2),
      prior: prior(ecr),
    }));
    const result = evaluate(rows, { rounds: 50, seed: 1 });
    expect(result.n).toBe(6);
    expect(result.auc).toBe(1);
    expect(result.srocc).toBeGreaterThan(0.9);
    expect(result.final).toBeCloseTo(0.6 * result.srocc + 0.4 * result.plcc, 12);
    expect(result.ci.auc[0]).toBeLessThanOrEqual(result.auc);
    expect(result).not.toHaveProperty('brier');
  });

  it('adds losses, calibration error and coverage where outcomes are given', () => {
    const random = seededRandom(5);
    const rows = Array.from({ length: 400 }, () => {
      const ecr = 0.3 + 0.4 * random();
      let continues = 0;
      for (let i = 0; i < 200; i++) if (random() < ecr) continues++;
      return { label: Math.round(ecr * 10), prior: prior(ecr), outcome: { impressions: 200, continues } };
    });
    const result = evaluate(rows, { rounds: 20, seed: 1 });
    expect(result.ece).toBeLessThan(0.02);
    expect(result.brier).toBeGreaterThan(0.15);
    expect(result.brier).toBeLessThan(0.25);
    expect(result.logLoss).toBeLessThan(Math.log(2));
    expect(result.coverage90).toBeGreaterThan(0.95);
  });

  it('scores text alone as an upload without picture and sound', () => {
    const { producer } = uploadFeatures();
    const features = textOnlyFeatures(uploadEvent(), { title: '#wow' }, producer);
    expect(features).toMatchObject({
      text: { title: ' wow' },
      missing: ['video', 'audio'],
      embeddings: [],
      mediaEtag: '',
    });
  });
});
