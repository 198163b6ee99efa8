/**
 * Exact sparse decode: only frames that answer a target, or that another frame refers to, are reconstructed.
 *
 * E1. The packets up to the last target are collected first; the targets are answered from their timestamps.
 * E2. Every other packet is sent with `skip_frame = noref`: the decoder passes over frames that nothing refers to, which
 *     cannot change any other frame. Frames that a target needs are decoded in full.
 * E3. H.264 only: its nal_ref_idc = 0 means "referred to by nothing" (ITU-T H.264 section 7.4.1). HEVC's non-reference
 *     pictures may serve higher temporal sub-layers, and are decoded in full, as everything else is.
 * E4. Whatever turns out not to be as planned (a target's frame that does not come, an earlier first frame, damage, a
 *     missing or repeated timestamp) makes the attempt inexact; the caller decodes again in full.
 */
import { AV_CODEC_ID_H264, AV_PKT_FLAG_DISCARD } from 'node-av/constants';
import type { Packet, Stream } from 'node-av/lib';
import { answerIndex } from '../../core/media/targets.ts';
import { toMs } from './timestamps.ts';
import type { VideoTrack } from './video-track.ts';

/** Compressed bytes held back at most; beyond, the decode is plain. */
const MAX_HELD_BYTES = 64 * 1024 ** 2;

interface Held {
  readonly packet: Packet;
  readonly ptsMs: number;
}

/** Collects the packets of one video stream, then decodes what is needed of them. */
export class SparseDecode {
  readonly #stream: Stream;
  readonly #atMs: readonly number[];
  readonly #held: Held[] = [];
  #bytes = 0;
  #exact = true;

  constructor(stream: Stream, atMs: readonly number[]) {
    this.#stream = stream;
    this.#atMs = atMs;
  }

  static suits(stream: Stream): boolean {
    return stream.codecpar.codecId === AV_CODEC_ID_H264;
  }

  /** Absolute time of the earliest packet so far. */
  get originMs(): number | undefined {
    return this.#held.length === 0
      ? undefined
      : Math.min(...this.#held.slice(0, 32).map(({ ptsMs }) => ptsMs));
  }

  /** False when an exact result can no longer be had this way. */
  hold(packet: Packet): boolean {
    const ptsMs = toMs(packet.pts, this.#stream.timeBase);
    const copy = packet.clone();
    this.#bytes += packet.size;
    if (copy === null || ptsMs === undefined || this.#bytes > MAX_HELD_BYTES) {
      this.#exact = false;
    }
    if (copy !== null) this.#held.push({ packet: copy, ptsMs: ptsMs ?? 0 });
    return this.#exact;
  }

  /** Decodes into `track`; true when every answer is certain to equal that of a full decode. */
  decode(track: VideoTrack): boolean {
    const shown = this.#held.filter(({ packet }) => (packet.flags & AV_PKT_FLAG_DISCARD) === 0);
    const times = shown.map(({ ptsMs }) => ptsMs).sort((a, b) => a - b);
    const origin = times[0];
    if (!this.#exact || origin === undefined || new Set(times).size !== times.length) return false;
    const needed = new Set(this.#atMs.map((at) => times[answerIndex(times, origin + at)]));
    needed.add(origin);
    for (const { packet, ptsMs } of this.#held) {
      if (track.done) break;
      track.send(packet, !needed.has(ptsMs));
    }
    track.finish();
    const answered = track.answers().targets.map(({ ptsMs }) => origin + ptsMs);
    return (
      !track.damaged &&
      track.originMs === origin &&
      answered.every((ms, index) => ms === times[answerIndex(times, origin + (this.#atMs[index] ?? 0))])
    );
  }

  close(): void {
    for (const { packet } of this.#held) packet.free();
  }
}
