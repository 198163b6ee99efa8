/**
 * Extractions as a message: a header that says what there is, and the bytes behind it. What several members of a union
 * share is carried once.
 */
import type { ExtractedAudio, ExtractedView, Extraction } from '../../core/extraction.ts';
import type { MemberHeader, PartHeader, SoundHeader, ViewHeader } from './protocol.ts';

/** What belongs to one member alone; probe and timings are of the upload. */
export type MemberExtraction = Omit<Extraction, 'probe' | 'timings'>;

type Values = Uint8Array | Float32Array;

export interface PackedMembers {
  readonly members: readonly MemberHeader[];
  readonly parts: readonly PartHeader[];
  readonly payload: readonly Uint8Array[];
}

export function packMembers(members: readonly MemberExtraction[]): PackedMembers {
  const known = new Map<Values, number>();
  const add = (values: Values): number => {
    const index = known.get(values) ?? known.size;
    known.set(values, index);
    return index;
  };
  const sound = ({ sampleRate, samples }: ExtractedAudio): SoundHeader => ({
    sampleRate,
    part: add(samples),
  });
  const headers = members.map(({ video, audio, views, sounds, signals }): MemberHeader => {
    return {
      video:
        video === null
          ? null
          : { width: video.width, height: video.height, targets: video.targets, part: add(video.pixels) },
      audio: audio === null ? null : sound(audio),
      views: mapped(views, ({ dims, frames, data }): ViewHeader => ({ dims, frames, part: add(data) })),
      sounds: mapped(sounds, sound),
      signals,
    };
  });
  const values = [...known.keys()];
  return {
    members: headers,
    parts: values.map((one) => ({
      type: one instanceof Float32Array ? 'float32' : 'uint8',
      bytes: one.byteLength,
    })),
    payload: values.map((one) => new Uint8Array(one.buffer, one.byteOffset, one.byteLength)),
  };
}

/** Bytes stay views of what came over the pipe; floats are copied, because they must be aligned. */
export function unpackMembers(
  headers: readonly MemberHeader[],
  parts: readonly PartHeader[],
  payload: Uint8Array,
): MemberExtraction[] {
  const values = cut(parts, payload);
  const sound = ({ sampleRate, part }: SoundHeader): ExtractedAudio => ({
    sampleRate,
    samples: floats(values[part]),
  });
  return headers.map(({ video, audio, views, sounds, signals }) => ({
    video:
      video === null
        ? null
        : {
            ...{ width: video.width, height: video.height, targets: video.targets },
            pixels: bytes(values[video.part]),
          },
    audio: audio === null ? null : sound(audio),
    ...some(
      'views',
      mapped(views, (view) => extractedView(view, values[view.part])),
    ),
    ...some('sounds', mapped(sounds, sound)),
    signals,
  }));
}

function extractedView({ dims, frames }: ViewHeader, values: Values | undefined): ExtractedView {
  return values instanceof Float32Array
    ? { dims, frames, type: 'float32', data: values }
    : { dims, frames, type: 'uint8', data: bytes(values) };
}

function cut(parts: readonly PartHeader[], payload: Uint8Array): Values[] {
  let at = 0;
  return parts.map(({ type, bytes: length }) => {
    const part = payload.subarray(at, at + length);
    at += length;
    return type === 'uint8' ? part : new Float32Array(new Uint8Array(part).buffer);
  });
}

function bytes(values: Values | undefined): Uint8Array {
  return values instanceof Uint8Array ? values : new Uint8Array(0);
}

function floats(values: Values | undefined): Float32Array {
  return values instanceof Float32Array ? values : new Float32Array(0);
}

function mapped<T, R>(
  named: Readonly<Record<string, T>> | undefined,
  make: (value: T) => R,
): Readonly<Record<string, R>> {
  return Object.fromEntries(Object.entries(named ?? {}).map(([name, value]) => [name, make(value)]));
}

/** The property, unless it would be empty. */
function some<K extends string, T>(
  name: K,
  named: Readonly<Record<string, T>>,
): { readonly [P in K]?: Readonly<Record<string, T>> } {
  return (Object.keys(named).length === 0 ? {} : { [name]: named }) as { [P in K]?: Record<string, T> };
}
