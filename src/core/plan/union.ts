/**
 * One decode for several bundles: what all of their plans ask of one upload, each distinct thing once.
 *
 * U1. A member's part of the result is the one that its plan alone gives: distinct asks do not see each other, and reading
 *     longer changes nothing before the end that a member reads to.
 * U2. Equal asks (by their canonical JSON, windows filled in) are decoded, scaled and carried once.
 */
import { canonicalJson } from '../digest.ts';
import type { AudioPlan, DecodeLimits, ExtractionPlan, VideoPlan } from '../extraction.ts';
import type { WindowedView } from './collect.ts';
import type { SoundView } from './sound-view.ts';
import type { WindowMs } from './view.ts';

/** Sound of one window: the opening sound of a plan, or a sound view. */
export type SoundAsk =
  | { readonly kind: 'opening'; readonly windowMs: WindowMs; readonly audio: AudioPlan }
  | { readonly kind: 'view'; readonly windowMs: WindowMs; readonly view: SoundView };

/** Where a member's parts are in the union's lists. */
export interface UnionMember {
  readonly picture: number;
  readonly sound: number;
  readonly views: Readonly<Record<string, number>>;
  readonly sounds: Readonly<Record<string, number>>;
}

export interface UnionPlan {
  /** Opening pictures. */
  readonly pictures: readonly VideoPlan[];
  readonly views: readonly WindowedView[];
  readonly sounds: readonly SoundAsk[];
  /** In the order of the plans. */
  readonly members: readonly UnionMember[];
  /** Times of all opening pictures, rising, each once. */
  readonly openingMs: readonly number[];
  /** Milliseconds after t = 0 behind which no picture, and no sound, is needed. */
  readonly picturesEndMs: number;
  readonly soundEndMs: number;
}

export function planUnion(plans: readonly ExtractionPlan[]): UnionPlan {
  const pictures = new Distinct<VideoPlan>();
  const views = new Distinct<WindowedView>();
  const sounds = new Distinct<SoundAsk>();
  const members = plans.map((plan): UnionMember => {
    const { windowMs } = plan;
    return {
      picture: pictures.add(plan.video),
      sound: sounds.add({ kind: 'opening', windowMs, audio: plan.audio }),
      views: mapped(plan.views, (view) => views.add({ view, windowMs: view.windowMs ?? windowMs })),
      sounds: mapped(plan.sounds, (view) =>
        sounds.add({ kind: 'view', windowMs: view.windowMs ?? windowMs, view }),
      ),
    };
  });
  const openingMs = [...new Set(pictures.values.flatMap(({ select }) => select.atMs))].sort((a, b) => a - b);
  const viewEnds = views.values.map(({ windowMs }) => windowMs[1]);
  return {
    pictures: pictures.values,
    views: views.values,
    sounds: sounds.values,
    members,
    openingMs,
    picturesEndMs: Math.max(0, ...openingMs, ...viewEnds),
    soundEndMs: Math.max(0, ...sounds.values.map(({ windowMs }) => windowMs[1])),
  };
}

/** Seconds of media that the limits' own numbers were chosen for. */
const USUAL_MS = 10_000;

/**
 * Limits for a union: time, packets and frames grow with the window beyond the usual ten seconds, and with the bytes that
 * views may yield. A plan of opening pictures and sound keeps the limits as they are.
 */
export function limitsFor(union: UnionPlan, limits: DecodeLimits): DecodeLimits {
  const longer = Math.max(1, Math.max(union.picturesEndMs, union.soundEndMs) / USUAL_MS);
  const paints = union.views.length === 0 ? 1 : 3;
  const grown = (value: number, factor: number) => Math.round(value * factor);
  return {
    ...limits,
    deadlineMs: grown(limits.deadlineMs, longer * paints),
    maxDecodedFrames: grown(limits.maxDecodedFrames, longer),
    maxDecodedPixels: grown(limits.maxDecodedPixels, longer),
    maxPackets: grown(limits.maxPackets, longer),
  };
}

class Distinct<T> {
  readonly values: T[] = [];
  readonly #known = new Map<string, number>();

  /** Index of the equal value among `values`. */
  add(value: T): number {
    const key = canonicalJson(value);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    this.#known.set(key, this.values.length);
    return this.values.push(value) - 1;
  }
}

function mapped<T>(
  named: Readonly<Record<string, T>> | undefined,
  make: (value: T) => number,
): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(named ?? {}).map(([name, value]) => [name, make(value)]));
}
