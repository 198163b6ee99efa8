/**
 * One upload from its bytes to the extractions of all plans, inside a decode child.
 *
 * Q2. An attempt that is not certain to be exact (sparse.ts, view-tap.ts) is thrown away and the file decoded again.
 */
import { FirstFiveError } from '../../core/errors.ts';
import type { ExtractedView, MediaProbe, Signals } from '../../core/extraction.ts';
import type { FrameTimes } from '../../core/plan/select.ts';
import { planUnion, type UnionMember, type UnionPlan } from '../../core/plan/union.ts';
import { computeSignals } from '../../core/signals/compute.ts';
import type { Picture } from './picture.ts';
import type { DecodeFacts, ExtractMessage } from './protocol.ts';
import { type Approach, Reading, type ReadingOptions } from './reading.ts';
import type { MemberExtraction } from './result-parts.ts';
import { type Sound, soundsOf } from './sounds.ts';
import { type ByteSource, openMedia } from './source.ts';
import { chooseTracks } from './streams.ts';

export interface Extracted {
  readonly probe: MediaProbe;
  /** In the order of the plans. */
  readonly members: readonly MemberExtraction[];
  readonly timings: Readonly<Record<string, number>>;
  readonly facts: DecodeFacts;
}

export type ExtractOptions = Pick<ExtractMessage, 'plans' | 'limits' | 'sparse' | 'planeHashes'>;

/** `extracted` is missing where the attempt was not exact; `frames`: those that came, where all of them are known. */
interface Outcome {
  readonly extracted?: Extracted;
  readonly frames?: FrameTimes | undefined;
}

type Attempt = (approach: Approach) => Promise<Outcome>;

export async function extractMedia(source: ByteSource, options: ExtractOptions): Promise<Extracted> {
  const cpu = process.cpuUsage();
  const union = planUnion(options.plans);
  const { limits, planeHashes } = options;
  let attempts = 0;
  const attempt: Attempt = (approach) =>
    read(source, { union, limits, planeHashes, approach }, { cpu, attempts: ++attempts });
  const { extracted } =
    union.views.length > 0 ? await withViews(attempt) : await withoutViews(attempt, options.sparse);
  if (extracted === undefined) throw noFrames();
  return extracted;
}

async function withoutViews(attempt: Attempt, sparse: boolean): Promise<Outcome> {
  const first = sparse ? await attempt('sparse') : {};
  return first.extracted === undefined ? attempt('plain') : first;
}

/** J2 of view-tap.ts: frames as the packets list them; else as that attempt decoded them; else as a decode for that alone. */
async function withViews(attempt: Attempt): Promise<Outcome> {
  const first = await attempt('listed');
  if (first.extracted !== undefined) return first;
  const frames = first.frames ?? (await attempt('list')).frames;
  if (frames === undefined || frames.timesMs.length === 0) throw noFrames();
  return attempt(frames);
}

function noFrames(): FirstFiveError {
  return new FirstFiveError('MEDIA_NO_FRAMES', 'the video stream yields no frame');
}

interface Spent {
  readonly cpu: NodeJS.CpuUsage;
  readonly attempts: number;
}

async function read(source: ByteSource, options: ReadingOptions, spent: Spent): Promise<Outcome> {
  const start = performance.now();
  const media = await openMedia(source, options.limits.maxPixels);
  try {
    const chosen = chooseTracks(media, source.sizeBytes, options.limits);
    const reading = new Reading(media, chosen, options);
    const opened = performance.now();
    try {
      const exact = await reading.run();
      if (!exact || options.approach === 'list') return { frames: reading.frames };
      return { extracted: assemble(reading, options, { probe: chosen.probe, start, opened, ...spent }) };
    } finally {
      reading.close();
    }
  } finally {
    await media.close();
  }
}

interface Begun extends Spent {
  readonly probe: MediaProbe;
  readonly start: number;
  readonly opened: number;
}

function assemble(reading: Reading, options: ReadingOptions, begun: Begun): Extracted {
  const { probe, cpu, attempts, start, opened } = begun;
  const { union } = options;
  const decoded = performance.now();
  const pictures = reading.asks.map((ask) => ask.pictures());
  if (reading.video !== undefined && pictures.some((made) => made.length === 0)) throw noFrames();
  const sounds = soundsOf(reading, union.sounds);
  const sounded = performance.now();
  const members = membersOf(reading, union, { probe, pictures, sounds });
  const used = process.cpuUsage(cpu);
  const scale = reading.spent('scale');
  const lumaMs = reading.spent('signals');
  const paint = reading.tap?.paintMs ?? 0;
  return {
    probe,
    members,
    timings: {
      open: opened - start,
      decode: decoded - opened - scale - lumaMs - paint,
      scale,
      ...(reading.tap === undefined ? {} : { paint }),
      audio: sounded - decoded,
      signals: performance.now() - sounded + lumaMs,
      cpu: (used.user + used.system) / 1000,
    },
    facts: {
      packets: reading.packets,
      attempts,
      decodedFrames: reading.video?.decodedFrames ?? 0,
      sparse: reading.sparse,
      ...(options.planeHashes ? { planeHashes: hashesOf(pictures) } : {}),
    },
  };
}

/** Of the first plan's pictures: plans that differ in scaling only have the same. */
function hashesOf(pictures: readonly (readonly Picture[])[]): readonly string[] {
  return pictures[0]?.map(({ hash }) => hash ?? '') ?? [];
}

interface Made {
  readonly probe: MediaProbe;
  readonly pictures: readonly (readonly Picture[])[];
  readonly sounds: readonly (Sound | undefined)[];
}

function membersOf(reading: Reading, union: UnionPlan, made: Made): MemberExtraction[] {
  const videos = reading.asks.map((ask) => ask.video());
  const views = reading.tap?.results() ?? [];
  return union.members.map((member): MemberExtraction => {
    const audio = made.sounds[member.sound]?.audio ?? null;
    return {
      video: videos[member.picture] ?? null,
      audio,
      ...chosenParts('views', member.views, views),
      ...chosenParts(
        'sounds',
        member.sounds,
        made.sounds.map((sound) => sound?.audio),
      ),
      signals: signalsOf(member, made),
    };
  });
}

function signalsOf(member: UnionMember, { probe, pictures, sounds }: Made): Signals {
  const own = pictures[member.picture];
  const seen =
    own === undefined ? null : { luma: own.map(({ luma }) => luma), pictures: own.map(({ rgb }) => rgb) };
  return computeSignals(probe, seen, sounds[member.sound]?.evidence ?? null);
}

type Parts = Pick<MemberExtraction, 'views' | 'sounds'>;

/** Names to what was made under their indices; without those that were not. */
function chosenParts<T extends ExtractedView | Sound['audio']>(
  kind: keyof Parts,
  indices: Readonly<Record<string, number>>,
  made: readonly (T | undefined)[],
): Parts {
  const found = Object.entries(indices).flatMap(([name, index]) => {
    const one = made[index];
    return one === undefined ? [] : [[name, one] as const];
  });
  return found.length === 0 ? {} : { [kind]: Object.fromEntries(found) };
}
