/** Facts of an opened container: its tracks, the ones chosen, and the probe that the record carries. */
import {
  AV_DISPOSITION_ATTACHED_PIC,
  AV_DISPOSITION_DEFAULT,
  AV_NOPTS_VALUE,
  AV_PKT_DATA_DISPLAYMATRIX,
  AVMEDIA_TYPE_AUDIO,
  AVMEDIA_TYPE_VIDEO,
  type AVPixelFormat,
} from 'node-av/constants';
import { avGetCodecName, avGetPixFmtName, Codec, type Stream } from 'node-av/lib';
import { FirstFiveError } from '../../core/errors.ts';
import type { AudioProbe, DecodeLimits, MediaProbe, VideoProbe } from '../../core/extraction.ts';
import { displaySize, type Orientation, orientationOf } from '../../core/media/display.ts';
import { chooseAudio, chooseVideo } from '../../core/media/streams.ts';
import type { OpenedMedia } from './source.ts';

export interface ChosenTrack {
  readonly stream: Stream;
  readonly codec: Codec;
}

export interface ChosenTracks {
  readonly video: (ChosenTrack & { readonly orientation: Orientation }) | undefined;
  readonly audio: ChosenTrack | undefined;
  readonly probe: MediaProbe;
}

/** `MEDIA_NO_STREAMS` without picture and sound, `MEDIA_UNSUPPORTED` where a needed decoder is absent. */
export function chooseTracks(media: OpenedMedia, sizeBytes: number, limits: DecodeLimits): ChosenTracks {
  const streams = media.format.streams;
  const video = videoTrack(streams, limits);
  const audio = audioTrack(streams, video !== undefined);
  if (video === undefined && audio === undefined) {
    throw new FirstFiveError('MEDIA_NO_STREAMS', 'neither a video nor an audio stream');
  }
  const { duration, bitRate } = media.format;
  const durationMs = duration === AV_NOPTS_VALUE || duration <= 0n ? null : Number(duration) / 1000;
  const probe: MediaProbe = {
    container: media.container.demuxer,
    sizeBytes,
    durationMs,
    bitRate: bitRate > 0n ? Number(bitRate) : null,
    video: video === undefined ? null : videoProbe(video.stream, video.orientation, media.container.still),
    audio: audio === undefined ? null : audioProbe(audio.stream),
  };
  return { video, audio, probe };
}

function videoTrack(streams: readonly Stream[], limits: DecodeLimits): ChosenTracks['video'] {
  const candidates = streams
    .filter((stream) => stream.codecpar.codecType === AVMEDIA_TYPE_VIDEO)
    .map((stream) => ({
      stream,
      codec: Codec.findDecoder(stream.codecpar.codecId),
      index: stream.index,
      width: stream.codecpar.width,
      height: stream.codecpar.height,
      isDefault: (stream.disposition & AV_DISPOSITION_DEFAULT) !== 0,
      attachedPicture: (stream.disposition & AV_DISPOSITION_ATTACHED_PIC) !== 0,
    }));
  const chosen = chooseVideo(candidates.filter(({ codec }) => codec !== null)) ?? chooseVideo(candidates);
  if (chosen === undefined) return undefined;
  const { stream, codec, width, height } = chosen;
  if (codec === null) throw new FirstFiveError('MEDIA_UNSUPPORTED', 'no decoder for the video stream');
  if (width * height > limits.maxPixels) {
    throw new FirstFiveError('MEDIA_LIMIT', `${width} x ${height} pixels are more than allowed`);
  }
  const matrix = stream.codecpar.getCodedSideData(AV_PKT_DATA_DISPLAYMATRIX) ?? undefined;
  return { stream, codec, orientation: orientationOf(matrix) };
}

function audioTrack(streams: readonly Stream[], haveVideo: boolean): ChosenTrack | undefined {
  const candidates = streams
    .filter((stream) => stream.codecpar.codecType === AVMEDIA_TYPE_AUDIO)
    .map((stream) => ({
      stream,
      codec: Codec.findDecoder(stream.codecpar.codecId),
      index: stream.index,
      channels: stream.codecpar.channels,
      isDefault: (stream.disposition & AV_DISPOSITION_DEFAULT) !== 0,
    }));
  const chosen = chooseAudio(candidates.filter(({ codec }) => codec !== null));
  if (chosen !== undefined && chosen.codec !== null) return { stream: chosen.stream, codec: chosen.codec };
  if (candidates.length > 0 && !haveVideo) {
    throw new FirstFiveError('MEDIA_UNSUPPORTED', 'no decoder for the audio stream');
  }
  return undefined;
}

function videoProbe(stream: Stream, orientation: Orientation, still: boolean): VideoProbe {
  const { codecpar } = stream;
  const { width, height } = codecpar;
  const aspect = [stream.sampleAspectRatio, codecpar.sampleAspectRatio].find(
    ({ num, den }) => num > 0 && den > 0,
  );
  const display = displaySize(
    { width, height },
    aspect === undefined ? 1 : aspect.num / aspect.den,
    orientation.rotation,
  );
  const rate = stream.avgFrameRate;
  return {
    codec: avGetCodecName(codecpar.codecId) ?? 'unknown',
    pixelFormat: avGetPixFmtName(codecpar.format as AVPixelFormat) ?? 'unknown',
    width,
    height,
    displayWidth: display.width,
    displayHeight: display.height,
    rotation: orientation.rotation,
    mirrored: orientation.mirrored,
    frameRate: rate.num > 0 && rate.den > 0 ? rate.num / rate.den : null,
    still,
  };
}

function audioProbe(stream: Stream): AudioProbe {
  const { codecpar } = stream;
  return {
    codec: avGetCodecName(codecpar.codecId) ?? 'unknown',
    sampleRate: codecpar.sampleRate,
    channels: codecpar.channels,
  };
}
