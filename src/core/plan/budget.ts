/** How much a plan may yield at most, from the plan alone. */
import type { FrameView } from './view.ts';
import { groupSize, picturesPerFrame } from './view.ts';

/** Frames in a view's tensor at most. */
export function maxFrames({ select }: FrameView): number {
  switch (select.rule) {
    case 'times':
      return select.atMs.length;
    case 'paced':
      return Math.min(select.max, select.take ?? select.max);
    case 'even':
      return Math.min(select.count, select.take ?? select.count);
    case 'dense':
      return select.maxFrames + select.chunk;
    default:
      return select.count * groupSize(select);
  }
}

/** Pixels of one of a view's pictures at most. */
function maxPixels({ fit }: FrameView): number {
  switch (fit.rule) {
    case 'squash':
    case 'cover':
    case 'letterbox':
      return fit.width * fit.height;
    case 'multiples':
      return Math.max(fit.maxPixels, fit.multipleOf ** 2);
    case 'fragments':
      return (fit.grid * fit.size) ** 2;
    case 'native':
    case 'pyramid':
      return fit.maxLongerSide ** 2;
  }
}

/** Bytes of a view's tensor at most. */
export function maxViewBytes(view: FrameView): number {
  const values = maxFrames(view) * picturesPerFrame(view.fit) * maxPixels(view) * 3;
  return values * (view.tensor === 'float32' ? 4 : 1);
}
