/**
 * Decode for views: the packets of the windows are collected first, so that the frames are known by number before the first
 * is painted; then everything is decoded, and what came is compared with what the packets promised (J2 of view-tap.ts).
 */
import { AV_PKT_FLAG_DISCARD } from 'node-av/constants';
import type { Packet, Stream } from 'node-av/lib';
import { HeldPackets } from './held-packets.ts';
import { averageRate } from './timestamps.ts';
import type { VideoTrack } from './video-track.ts';
import type { ViewTap } from './view-tap.ts';

export class ListedDecode {
  readonly #stream: Stream;
  readonly #tap: ViewTap;
  readonly #held: HeldPackets;
  /** True once every frame of the windows has passed, whether it was listed or not. */
  seenAll = false;

  constructor(stream: Stream, tap: ViewTap) {
    this.#stream = stream;
    this.#tap = tap;
    this.#held = new HeldPackets(stream);
  }

  get originMs(): number | undefined {
    return this.#held.originMs;
  }

  hold(packet: Packet): void {
    this.#held.add(packet);
  }

  /** True when the views have what an earlier list of the decoded frames would have given them. */
  decode(track: VideoTrack): boolean {
    const shown = this.#held.packets.filter(({ packet }) => (packet.flags & AV_PKT_FLAG_DISCARD) === 0);
    const times = shown.map(({ ptsMs }) => ptsMs).sort((a, b) => a - b);
    const origin = times[0];
    if (!this.#held.complete || origin === undefined || new Set(times).size !== times.length) return false;
    const timesMs = times.map((ms) => ms - origin);
    this.#tap.expect({ timesMs, fps: averageRate(this.#stream, timesMs) }, 'verify');
    for (const { packet } of this.#held.packets) {
      if (track.done) break;
      track.send(packet);
    }
    track.finish();
    // Another first frame moves the windows: packets behind what was collected may then be missing.
    this.seenAll = track.originMs === origin;
    return this.seenAll && this.#tap.asListed;
  }

  close(): void {
    this.#held.close();
  }
}
