/** Packets of one stream, kept back until enough of them are known; bounded. */
import type { Packet, Stream } from 'node-av/lib';
import { toMs } from './timestamps.ts';

/** Compressed bytes held back at most; beyond, the decode is plain. */
const MAX_HELD_BYTES = 64 * 1024 ** 2;
/** Frames are reordered over less than so many packets. */
const REORDERED = 32;

export interface HeldPacket {
  readonly packet: Packet;
  readonly ptsMs: number;
}

export class HeldPackets {
  readonly #stream: Stream;
  readonly #packets: HeldPacket[] = [];
  #bytes = 0;
  #complete = true;

  constructor(stream: Stream) {
    this.#stream = stream;
  }

  get packets(): readonly HeldPacket[] {
    return this.#packets;
  }

  /** False once a packet had no timestamp, or the bytes are too many: the rest is then not kept. */
  get complete(): boolean {
    return this.#complete;
  }

  /** Absolute time of the earliest packet so far. */
  get originMs(): number | undefined {
    return this.#packets.length === 0
      ? undefined
      : Math.min(...this.#packets.slice(0, REORDERED).map(({ ptsMs }) => ptsMs));
  }

  add(packet: Packet): void {
    const ptsMs = toMs(packet.pts, this.#stream.timeBase);
    this.#bytes += packet.size;
    if (!this.#complete) return;
    const copy = packet.clone();
    this.#complete = copy !== null && ptsMs !== undefined && this.#bytes <= MAX_HELD_BYTES;
    if (copy !== null) this.#packets.push({ packet: copy, ptsMs: ptsMs ?? 0 });
  }

  close(): void {
    for (const { packet } of this.#packets) packet.free();
  }
}
