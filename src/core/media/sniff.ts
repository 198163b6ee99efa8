/**
 * Which container a file is, from its first bytes alone. The name or extension of an upload is never looked at.
 *
 * N1. An answer names exactly one libav demuxer of the allow-list; the decoder forces it, so that nothing else is probed.
 * N2. A file that is nothing but references to other files (playlist, manifest, concat script, SDP, SVG) is recognised
 *     as such and refused before any media library sees it.
 */

export interface Container {
  readonly kind: 'container';
  /** Short name of the libav demuxer. */
  readonly demuxer: string;
  /** A still picture by its format (a GIF or APNG may move, and is not one). */
  readonly still: boolean;
}

export type Sniffed =
  | Container
  | { readonly kind: 'references'; readonly what: string }
  | { readonly kind: 'unsupported'; readonly what: string };

/** Enough for every rule here, transport stream packets of 204 bytes included. */
export const SNIFF_BYTES = 4096;

type Rule = readonly [demuxer: string, offset: number, magic: string];

/** `magic` is Latin-1 text; `?` matches any byte. The first match wins. */
const RULES: readonly Rule[] = [
  ['mov', 4, 'ftyp'],
  ['mov', 4, 'moov'],
  ['mov', 4, 'mdat'],
  ['mov', 4, 'free'],
  ['mov', 4, 'skip'],
  ['mov', 4, 'wide'],
  ['mov', 4, 'pnot'],
  ['mov', 4, 'moof'],
  ['mov', 4, 'styp'],
  ['mov', 4, 'sidx'],
  ['matroska', 0, '\x1a\x45\xdf\xa3'],
  ['avi', 0, 'RIFF????AVI '],
  ['wav', 0, 'RIFF????WAVE'],
  ['wav', 0, 'RF64????WAVE'],
  ['wav', 0, 'BW64????WAVE'],
  ['webp_pipe', 0, 'RIFF????WEBP'],
  ['flv', 0, 'FLV\x01'],
  ['ogg', 0, 'OggS'],
  ['flac', 0, 'fLaC'],
  ['ivf', 0, 'DKIF'],
  ['nut', 0, 'nut/multimedia container\0'],
  ['gif', 0, 'GIF8'],
  ['mxf', 0, '\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01\x01\x02'],
  ['asf', 0, '\x30\x26\xb2\x75\x8e\x66\xcf\x11'],
  ['aiff', 0, 'FORM????AIF'],
  ['caf', 0, 'caff'],
  ['amr', 0, '#!AMR'],
  ['au', 0, '.snd'],
  ['wv', 0, 'wvpk'],
  ['ape', 0, 'MAC '],
  ['tta', 0, 'TTA1'],
  ['mpc8', 0, 'MPCK'],
  ['mpc', 0, 'MP+'],
  ['iff', 0, 'FRM8????????DSD '],
  ['dsf', 0, 'DSD '],
  ['rm', 0, '.RMF'],
  ['yuv4mpegpipe', 0, 'YUV4MPEG2 '],
  ['dv', 0, '\x1f\x07\x00'],
  ['mpeg', 0, '\0\0\x01\xba'],
  ['mpegvideo', 0, '\0\0\x01\xb3'],
  ['eac3', 0, '\x0b\x77'],
  ['dts', 0, '\x7f\xfe\x80\x01'],
  ['jpeg_pipe', 0, '\xff\xd8\xff'],
  ['bmp_pipe', 0, 'BM????\0\0\0\0'],
  ['tiff_pipe', 0, 'II*\0'],
  ['tiff_pipe', 0, 'MM\0*'],
  ['qoi_pipe', 0, 'qoif'],
];

const PNG = '\x89PNG\r\n\x1a\n';

const STILL_DEMUXERS: ReadonlySet<string> = new Set(
  ['webp', 'jpeg', 'png', 'bmp', 'tiff', 'qoi'].map((name) => `${name}_pipe`),
);

/** Every demuxer that may ever be opened (N1). */
export const ALLOWED_DEMUXERS: ReadonlySet<string> = new Set([
  ...RULES.map(([demuxer]) => demuxer),
  ...['apng', 'png_pipe', 'mpegts', 'mp3', 'aac', 'ac3', 'h264', 'hevc', 'm4v', 'obu'],
]);

/** Length of a leading ID3v2 tag with its header, 0 when there is none (id3.org, ID3v2.4.0 section 3.1). */
export function id3v2Length(head: Uint8Array): number {
  if (!matches(head, 0, 'ID3') || head.length < 10) return 0;
  const [a = 0, b = 0, c = 0, d = 0] = head.subarray(6, 10);
  const footer = ((head[5] ?? 0) & 0x10) !== 0 ? 10 : 0;
  return 10 + (((a & 0x7f) << 21) | ((b & 0x7f) << 14) | ((c & 0x7f) << 7) | (d & 0x7f)) + footer;
}

/**
 * Decides by the first `SNIFF_BYTES` of the file; `afterId3` are the bytes behind a leading ID3v2 tag (MP3, AAC and FLAC
 * files may carry one).
 */
export function sniffContainer(head: Uint8Array, afterId3?: Uint8Array): Sniffed {
  const references = referencesOf(head);
  if (references !== undefined) return { kind: 'references', what: references };
  if (id3v2Length(head) > 0) {
    const behind = afterId3 === undefined ? undefined : binaryDemuxer(afterId3);
    return container(behind !== undefined && ['aac', 'flac'].includes(behind) ? behind : 'mp3');
  }
  if (isAnimatedWebp(head)) return { kind: 'unsupported', what: 'animated WebP' };
  const demuxer = binaryDemuxer(head);
  if (demuxer !== undefined) return container(demuxer);
  return { kind: 'unsupported', what: unsupportedOf(head) };
}

/** Pixels that a GIF, PNG or JPEG claims in its first bytes; `undefined` where they are not there or not known. */
export function claimedPixels(head: Uint8Array): number | undefined {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (matches(head, 0, 'GIF8') && head.length >= 10) return view.getUint16(6, true) * view.getUint16(8, true);
  if (matches(head, 0, PNG) && head.length >= 24) return view.getUint32(16) * view.getUint32(20);
  if (!matches(head, 0, '\xff\xd8')) return undefined;
  for (let at = 2; at + 9 <= head.length && head[at] === 0xff; at += 2 + view.getUint16(at + 2)) {
    const marker = head[at + 1] ?? 0;
    // Start-of-frame markers are C0 to CF but for C4, C8 and CC (ITU-T T.81 table B.1).
    const startOfFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (startOfFrame) return view.getUint16(at + 5) * view.getUint16(at + 7);
  }
  return undefined;
}

function container(demuxer: string): Container {
  return { kind: 'container', demuxer, still: STILL_DEMUXERS.has(demuxer) };
}

function binaryDemuxer(head: Uint8Array): string | undefined {
  for (const [demuxer, offset, magic] of RULES) if (matches(head, offset, magic)) return demuxer;
  if (matches(head, 0, PNG)) return indexOf(head, 'acTL', 1024) >= 0 ? 'apng' : 'png_pipe';
  if (isTransportStream(head)) return 'mpegts';
  return startCodeDemuxer(head) ?? audioSyncDemuxer(head);
}

/** The animation bit of the extended header; libav has no demuxer for these (WebP container specification). */
function isAnimatedWebp(head: Uint8Array): boolean {
  return matches(head, 0, 'RIFF????WEBPVP8X') && ((head[20] ?? 0) & 0x02) !== 0;
}

/** ISO/IEC 13818-1: 188-byte packets that start with 0x47; 192 (M2TS, 4 bytes ahead) and 204 (with parity) occur. */
function isTransportStream(head: Uint8Array): boolean {
  for (const [size, first] of [
    [188, 0],
    [192, 4],
    [204, 0],
  ] as const) {
    const packets = Math.min(5, Math.floor((head.length - first) / size));
    if (packets < 2) continue;
    let synced = true;
    for (let i = 0; i < packets; i++) synced &&= head[first + i * size] === 0x47;
    if (synced) return true;
  }
  return false;
}

/** Elementary streams: AV1 temporal delimiters, MPEG-4 part 2 visual objects, and the first NAL unit of HEVC or H.264. */
function startCodeDemuxer(head: Uint8Array): string | undefined {
  if (matches(head, 0, '\x12\0\x0a')) return 'obu';
  const at = matches(head, 0, '\0\0\0\x01') ? 4 : matches(head, 0, '\0\0\x01') ? 3 : undefined;
  if (at === undefined) return undefined;
  const [first = 0xff, second = 0xff] = head.subarray(at, at + 2);
  if (first === 0xb0) return 'm4v';
  const hevcType = (first >> 1) & 0x3f;
  if (hevcType >= 32 && hevcType <= 35 && second === 0x01) return 'hevc';
  if ((first & 0x80) === 0 && [1, 5, 6, 7, 8, 9].includes(first & 0x1f)) return 'h264';
  return first <= 0x2f ? 'm4v' : undefined;
}

/** MPEG audio frame sync; layer bits 00 mean ADTS (ISO/IEC 13818-7), the others MPEG-1/2 layers I to III. */
function audioSyncDemuxer(head: Uint8Array): string | undefined {
  const [a, b] = head;
  if (a !== 0xff || b === undefined || (b & 0xe0) !== 0xe0) return undefined;
  if ((b & 0xf6) === 0xf0) return 'aac';
  return (b & 0x06) !== 0 && (b & 0x18) !== 0x08 ? 'mp3' : undefined;
}

const REFERENCE_STARTS: readonly (readonly [start: string, what: string])[] = [
  ['#extm3u', 'HLS playlist'],
  ['ffconcat', 'concat script'],
  ["file '", 'concat script'],
  ['file ', 'concat script'],
  ['v=0', 'session description'],
  ['[playlist]', 'playlist'],
  ['[reference]', 'playlist'],
  ['rtsptext', 'playlist'],
  ['http://', 'link'],
  ['https://', 'link'],
  ['rtsp://', 'link'],
  ['rtmp://', 'link'],
  ['<?xml', 'manifest'],
  ['<mpd', 'DASH manifest'],
  ['<smil', 'SMIL'],
  ['<asx', 'playlist'],
  ['<smoothstreamingmedia', 'manifest'],
  ['<svg', 'SVG'],
  ['<!doctype', 'markup'],
  ['<html', 'markup'],
];

function referencesOf(head: Uint8Array): string | undefined {
  const start = textStart(head);
  for (const [mark, what] of REFERENCE_STARTS) if (start.startsWith(mark)) return what;
  return undefined;
}

function unsupportedOf(head: Uint8Array): string {
  const start = textStart(head);
  if (start.startsWith('webvtt') || start.startsWith('[script info]')) return 'subtitles';
  if (/^\d+\s+\d\d:\d\d:\d\d,\d{3} -->/.test(start)) return 'subtitles';
  if (start.startsWith('adif')) return 'AAC in ADIF';
  return 'no known container';
}

/** First text of the file in lower case, byte order marks and leading blanks removed. */
function textStart(head: Uint8Array): string {
  const text = new TextDecoder('latin1').decode(head.subarray(0, 512));
  return text.replace(/^(?:\u00ef\u00bb\u00bf|[\s\0])+/, '').toLowerCase();
}

function matches(bytes: Uint8Array, offset: number, magic: string): boolean {
  if (bytes.length < offset + magic.length) return false;
  for (let i = 0; i < magic.length; i++) {
    const wanted = magic[i];
    if (wanted !== '?' && bytes[offset + i] !== wanted?.charCodeAt(0)) return false;
  }
  return true;
}

function indexOf(bytes: Uint8Array, magic: string, end: number): number {
  for (let i = 0; i + magic.length <= Math.min(bytes.length, end); i++)
    if (matches(bytes, i, magic)) return i;
  return -1;
}
