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
import { HeldPackets } from './held-packets.ts';
import type { PictureAsk } from './picture-ask.ts';
import type { VideoTrack } from './video-track.ts';

/** Collects the packets of one video stream, then decodes what is needed of them. */
export class SparseDecode {
  readonly #atMs: readonly number[];
  readonly #asks: readonly PictureAsk[];
  readonly #held: HeldPackets;

  /** `atMs`: the targets of all asks. */
  constructor(stream: Stream, atMs: readonly number[], asks: readonly PictureAsk[]) {
    this.#atMs = atMs;
    this.#asks = asks;
    this.#held = new HeldPackets(stream);
  }

  static suits(stream: Stream): boolean {
    return stream.codecpar.codecId === AV_CODEC_ID_H264;
  }

  /** Absolute time of the earliest packet so far. */
  get originMs(): number | undefined {
    return this.#held.originMs;
  }

  hold(packet: Packet): void {
    this.#held.add(packet);
  }

  /** Decodes into `track`; true when every answer is certain to equal that of a full decode. */
  decode(track: VideoTrack): boolean {
    const shown = this.#held.packets.filter(({ packet }) => (packet.flags & AV_PKT_FLAG_DISCARD) === 0);
    const times = shown.map(({ ptsMs }) => ptsMs).sort((a, b) => a - b);
    const origin = times[0];
    if (!this.#held.complete || origin === undefined || new Set(times).size !== times.length) return false;
    const needed = new Set(this.#atMs.map((at) => times[answerIndex(times, origin + at)]));
    needed.add(origin);
    for (const { packet, ptsMs } of this.#held.packets) {
      if (track.done) break;
      track.send(packet, !needed.has(ptsMs));
    }
    track.finish();
    const answered = this.#asks.flatMap((ask) => ask.targets());
    return (
      !track.damaged &&
      track.originMs === origin &&
      answered.every(({ atMs, ptsMs }) => origin + ptsMs === times[answerIndex(times, origin + atMs)])
    );
  }

  close(): void {
    this.#held.close();
  }
}
