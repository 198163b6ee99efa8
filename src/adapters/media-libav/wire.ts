/**
 * What goes over the pipes between the decoder and its children: frames of a JSON header and raw bytes.
 *
 * W1. frame = u32 header length | u32 payload length | header (UTF-8 JSON) | payload; little-endian.
 * W2. Pictures and samples are payload, never JSON: one extraction is about 1 MB and is copied once on each side.
 */

const PREFIX = 8;
const MAX_HEADER = 4 * 1024 ** 2;
/** Output cap: a child that claims more has lost its mind, or is no longer ours. Far above what any plan asks for. */
const MAX_PAYLOAD = 256 * 1024 ** 2;

export interface WireFrame<H> {
  readonly header: H;
  readonly payload: Uint8Array;
}

/** The prefix and header of a frame; the payload parts follow it as they are. */
export function frameHead(header: object, payload: readonly Uint8Array[]): Uint8Array {
  const json = Buffer.from(JSON.stringify(header), 'utf8');
  const head = Buffer.alloc(PREFIX + json.length);
  head.writeUInt32LE(json.length, 0);
  head.writeUInt32LE(
    payload.reduce((sum, part) => sum + part.byteLength, 0),
    4,
  );
  json.copy(head, PREFIX);
  return head;
}

/** Cuts a byte stream into frames. */
export class FrameParser<H> {
  #chunks: Uint8Array[] = [];
  #length = 0;
  #need = PREFIX;

  /** The frames that this chunk completes. Throws on lengths that no sender of ours writes. */
  push(chunk: Uint8Array): WireFrame<H>[] {
    this.#chunks.push(chunk);
    this.#length += chunk.byteLength;
    const frames: WireFrame<H>[] = [];
    while (this.#length >= this.#need) {
      const bytes = this.#joined();
      const headerLength = bytes.readUInt32LE(0);
      const payloadLength = bytes.readUInt32LE(4);
      if (headerLength > MAX_HEADER || payloadLength > MAX_PAYLOAD) throw new Error('frame out of bounds');
      const total = PREFIX + headerLength + payloadLength;
      if (bytes.byteLength < total) {
        this.#need = total;
        break;
      }
      frames.push({
        header: JSON.parse(bytes.toString('utf8', PREFIX, PREFIX + headerLength)) as H,
        payload: bytes.subarray(PREFIX + headerLength, total),
      });
      this.#chunks = [bytes.subarray(total)];
      this.#length -= total;
      this.#need = PREFIX;
    }
    return frames;
  }

  #joined(): Buffer {
    const joined = Buffer.concat(this.#chunks, this.#length);
    this.#chunks = [joined];
    return joined;
  }
}
