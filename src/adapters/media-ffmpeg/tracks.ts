/** The tracks that ffprobe found, the ones chosen, and the probe that the record carries. */
import { FirstFiveError } from '../../core/errors.ts';
import type { DecodeLimits, MediaProbe } from '../../core/extraction.ts';
import { displaySize, type Orientation, orientationOf } from '../../core/media/display.ts';
import type { Container } from '../../core/media/sniff.ts';
import { chooseAudio, chooseVideo } from '../../core/media/streams.ts';
import type { Probed, ProbedStream } from './ffprobe.ts';

export interface Tracks {
  readonly video: (ProbedStream & { readonly orientation: Orientation }) | undefined;
  readonly audio: ProbedStream | undefined;
  readonly probe: MediaProbe;
}

export function tracksOf(
  probed: Probed,
  container: Container,
  sizeBytes: number,
  limits: DecodeLimits,
): Tracks {
  const video = videoTrack(probed, limits);
  const audio = audioTrack(probed);
  if (video === undefined && audio === undefined) {
    throw new FirstFiveError('MEDIA_NO_STREAMS', 'neither a video nor an audio stream');
  }
  const { duration, bit_rate } = probed.format;
  const probe: MediaProbe = {
    container: container.demuxer,
    sizeBytes,
    durationMs: duration !== undefined && duration > 0 ? duration * 1000 : null,
    bitRate: bit_rate ?? null,
    video: video === undefined ? null : videoProbe(video, container.still),
    audio:
      audio === undefined
        ? null
        : {
            codec: audio.codec_name ?? 'unknown',
            sampleRate: audio.sample_rate ?? 0,
            channels: audio.channels ?? 0,
          },
  };
  return { video, audio, probe };
}

function videoTrack(probed: Probed, limits: DecodeLimits): Tracks['video'] {
  const chosen = chooseVideo(
    streamsOf(probed, 'video').map((stream) => ({
      ...stream,
      width: stream.width ?? 0,
      height: stream.height ?? 0,
      isDefault: stream.disposition?.default === 1,
      attachedPicture: stream.disposition?.attached_pic === 1,
    })),
  );
  if (chosen === undefined) return undefined;
  if (chosen.width * chosen.height > limits.maxPixels) {
    throw new FirstFiveError(
      'MEDIA_LIMIT',
      `${chosen.width} x ${chosen.height} pixels are more than allowed`,
    );
  }
  const matrix = chosen.side_data_list?.find(
    ({ displaymatrix }) => displaymatrix !== undefined,
  )?.displaymatrix;
  return { ...chosen, orientation: orientationOf(matrix === undefined ? undefined : matrixBytes(matrix)) };
}

function audioTrack(probed: Probed): ProbedStream | undefined {
  return chooseAudio(
    streamsOf(probed, 'audio').map((stream) => ({
      ...stream,
      channels: stream.channels ?? 0,
      isDefault: stream.disposition?.default === 1,
    })),
  );
}

function streamsOf(probed: Probed, type: string): ProbedStream[] {
  return probed.streams.filter(({ codec_type }) => codec_type === type);
}

/** ffprobe prints three lines of an offset and three numbers. */
function matrixBytes(text: string): Uint8Array {
  const numbers = text
    .trim()
    .split('\n')
    .flatMap((line) =>
      line
        .replace(/^[^:]*:/, '')
        .trim()
        .split(/\s+/)
        .map(Number),
    );
  return new Uint8Array(Int32Array.from(numbers).buffer);
}

function videoProbe(stream: NonNullable<Tracks['video']>, still: boolean): NonNullable<MediaProbe['video']> {
  const width = stream.width ?? 0;
  const height = stream.height ?? 0;
  const { rotation, mirrored } = stream.orientation;
  const display = displaySize({ width, height }, quotient(stream.sample_aspect_ratio) ?? 1, rotation);
  return {
    codec: stream.codec_name ?? 'unknown',
    pixelFormat: stream.pix_fmt ?? 'unknown',
    ...{ width, height, displayWidth: display.width, displayHeight: display.height },
    ...{ rotation, mirrored, frameRate: quotient(stream.avg_frame_rate) ?? null, still },
  };
}

/** `30000/1001` or `16:11` as a number; `undefined` where it is not positive. */
export function quotient(text: string | undefined): number | undefined {
  const [numerator = 0, denominator = 0] = (text ?? '').split(/[/:]/).map(Number);
  const value = numerator / denominator;
  return Number.isFinite(value) && value > 0 ? value : undefined;
}
