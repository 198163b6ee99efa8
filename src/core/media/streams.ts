/** Which of several tracks is the upload's picture and which is its sound. The rules are those of the ffmpeg command. */

export interface VideoStreamFacts {
  readonly index: number;
  readonly width: number;
  readonly height: number;
  readonly isDefault: boolean;
  /** Cover art is not video. */
  readonly attachedPicture: boolean;
}

export interface AudioStreamFacts {
  readonly index: number;
  readonly channels: number;
  readonly isDefault: boolean;
}

/** Default tracks before others, then more pixels, then the lower index. Cover art never wins. */
export function chooseVideo<T extends VideoStreamFacts>(streams: readonly T[]): T | undefined {
  return best(
    streams.filter((stream) => !stream.attachedPicture),
    (stream) => stream.width * stream.height,
  );
}

/** Default tracks before others, then more channels, then the lower index. */
export function chooseAudio<T extends AudioStreamFacts>(streams: readonly T[]): T | undefined {
  return best(streams, (stream) => stream.channels);
}

function best<T extends { readonly index: number; readonly isDefault: boolean }>(
  streams: readonly T[],
  size: (stream: T) => number,
): T | undefined {
  let winner: T | undefined;
  for (const stream of streams) {
    if (winner === undefined || rank(stream) > rank(winner)) winner = stream;
    else if (rank(stream) === rank(winner) && size(stream) > size(winner)) winner = stream;
  }
  return winner;

  function rank(stream: T): number {
    return stream.isDefault ? 1 : 0;
  }
}
