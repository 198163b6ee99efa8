/**
 * Media made on the spot, in formats that need no encoder: uncompressed pictures and PCM sound. Small and quick to decode, so that
 * tests which are about delivery need not spend their time on codecs.
 */

export interface TinyVideo {
  readonly width?: number;
  readonly height?: number;
  /** Frames, at `frameRate` a second. */
  readonly frames?: number;
  readonly frameRate?: number;
  /** Moves the pattern, so that different uploads hold different pictures. */
  readonly shift?: number;
}

export interface TinySound {
  readonly seconds?: number;
  readonly sampleRate?: number;
  readonly hz?: number;
}

/** YUV4MPEG2 with 4:2:0 planes: video without sound. */
export function y4mBytes(video: TinyVideo = {}): Uint8Array {
  const { width, height, frames, frameRate } = withDefaults(video);
  const parts: Uint8Array[] = [ascii(`YUV4MPEG2 W${width} H${height} F${frameRate}:1 Ip A1:1 C420jpeg\n`)];
  for (let frame = 0; frame < frames; frame++) parts.push(ascii('FRAME\n'), planes(video, frame));
  return Buffer.concat(parts);
}

/** WAV, 16-bit mono: sound without video. */
export function wavBytes(sound: TinySound = {}): Uint8Array {
  const { sampleRate } = soundDefaults(sound);
  const samples = pcm(sound);
  return riff('WAVE', [chunk('fmt ', waveFormat(sampleRate, 1, 16)), chunk('data', samples)]);
}

/** WAV of 32-bit floats, with the values given. */
export function floatWavBytes(values: Float32Array, sampleRate = 16_000): Uint8Array {
  const data = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  return riff('WAVE', [chunk('fmt ', waveFormat(sampleRate, 3, 32)), chunk('data', data)]);
}

/** AVI with uncompressed 4:2:0 pictures, and PCM sound of the same length: the smallest file with both. */
export function aviBytes(video: TinyVideo = {}): Uint8Array {
  const { frames, frameRate } = withDefaults(video);
  const sampleRate = 16_000;
  const sound = pcm({ seconds: frames / frameRate, sampleRate });
  const perFrame = Math.floor(sampleRate / frameRate) * 2;
  const movie: Uint8Array[] = [];
  for (let frame = 0; frame < frames; frame++) {
    movie.push(chunk('00dc', planes(video, frame)));
    movie.push(chunk('01wb', sound.subarray(frame * perFrame, (frame + 1) * perFrame)));
  }
  return riff('AVI ', [aviHeaders(video, sampleRate, sound.byteLength), list('movi', movie)]);
}

/** A moving gradient: planar Y, U, V, the chroma planes at half size. */
function planes(video: TinyVideo, frame: number): Uint8Array {
  const { width, height, shift } = withDefaults(video);
  const luma = width * height;
  const bytes = new Uint8Array((luma * 3) / 2);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) bytes[y * width + x] = (x * 5 + y * 3 + frame * 17 + shift * 29) % 236;
  }
  bytes.fill(100 + ((frame * 7 + shift) % 50), luma, (luma * 5) / 4);
  bytes.fill(140, (luma * 5) / 4);
  return bytes;
}

function pcm(sound: TinySound): Buffer {
  const { seconds, sampleRate, hz } = soundDefaults(sound);
  const count = Math.round(seconds * sampleRate);
  const bytes = Buffer.alloc(count * 2);
  for (let i = 0; i < count; i++) {
    bytes.writeInt16LE(Math.round(8_000 * Math.sin((2 * Math.PI * hz * i) / sampleRate)), i * 2);
  }
  return bytes;
}

function withDefaults({ width = 32, height = 48, frames = 10, frameRate = 5, shift = 0 }: TinyVideo) {
  return { width, height, frames, frameRate, shift };
}

function soundDefaults({ seconds = 1, sampleRate = 16_000, hz = 440 }: TinySound) {
  return { seconds, sampleRate, hz };
}

/** AVI's own headers (Microsoft, "AVI RIFF File Reference"): main header, and one stream list each for pictures and sound. */
function aviHeaders(video: TinyVideo, sampleRate: number, soundBytes: number): Uint8Array {
  const { width, height, frames, frameRate } = withDefaults(video);
  const frameBytes = (width * height * 3) / 2;
  const main = words([1e6 / frameRate, 0, 0, 0, frames, 0, 2, frameBytes, width, height, 0, 0, 0, 0]);
  const picture = words([40, width, height, 0x000c0001, 0, frameBytes, 0, 0, 0, 0]);
  picture.write('I420', 16, 'latin1');
  const pictures = [
    chunk('strh', streamHeader('vids', 'I420', [0, 0, 0, 1, frameRate, 0, frames, frameBytes, 0, 0])),
    chunk('strf', picture),
  ];
  const samples = soundBytes / 2;
  const sounds = [
    chunk('strh', streamHeader('auds', '\0\0\0\0', [0, 0, 0, 1, sampleRate, 0, samples, 0, 0, 2])),
    chunk('strf', waveFormat(sampleRate, 1, 16)),
  ];
  return list('hdrl', [chunk('avih', main), list('strl', pictures), list('strl', sounds)]);
}

function streamHeader(type: string, handler: string, rest: readonly number[]): Uint8Array {
  return Buffer.concat([ascii(type), ascii(handler), words(rest), Buffer.alloc(8)]);
}

function waveFormat(sampleRate: number, format: 1 | 3, bits: number): Uint8Array {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16LE(format, 0);
  bytes.writeUInt16LE(1, 2);
  bytes.writeUInt32LE(sampleRate, 4);
  bytes.writeUInt32LE((sampleRate * bits) / 8, 8);
  bytes.writeUInt16LE(bits / 8, 12);
  bytes.writeUInt16LE(bits, 14);
  return bytes;
}

function riff(form: string, chunks: readonly Uint8Array[]): Uint8Array {
  return chunk('RIFF', Buffer.concat([ascii(form), ...chunks]));
}

function list(form: string, chunks: readonly Uint8Array[]): Uint8Array {
  return chunk('LIST', Buffer.concat([ascii(form), ...chunks]));
}

function chunk(name: string, data: Uint8Array): Uint8Array {
  const padding = data.byteLength % 2 === 1 ? [new Uint8Array(1)] : [];
  return Buffer.concat([ascii(name), words([data.byteLength]), data, ...padding]);
}

function words(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, i) => {
    bytes.writeUInt32LE(value, i * 4);
  });
  return bytes;
}

function ascii(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}
