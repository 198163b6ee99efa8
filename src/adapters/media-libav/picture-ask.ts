/** The opening pictures of one plan: which frames answer its targets, and what was made of them. */
import type { Frame } from 'node-av/lib';
import type { ExtractedVideo, FrameTarget, VideoPlan } from '../../core/extraction.ts';
import { TargetPicker } from '../../core/media/targets.ts';
import type { Picture, PictureMaker } from './picture.ts';

export class PictureAsk {
  readonly #plan: VideoPlan;
  readonly #maker: PictureMaker;
  readonly #picker: TargetPicker;
  readonly #pictures = new Map<number, Picture>();

  constructor(plan: VideoPlan, maker: PictureMaker) {
    this.#plan = plan;
    this.#maker = maker;
    this.#picker = new TargetPicker(plan.select.atMs);
  }

  get done(): boolean {
    return this.#picker.done;
  }

  /** A frame that counts (T2 of targets.ts), and the one that counted before it. */
  offer(frame: TimedFrame, previous: TimedFrame | undefined): void {
    const answers = this.#picker.offer(frame.ptsMs);
    if (answers.previous.length > 0 && previous !== undefined) this.#keep(previous);
    if (answers.now.length > 0) this.#keep(frame);
  }

  /** The stream has ended: open targets take the last frame that counted. */
  finish(last: TimedFrame | undefined): void {
    if (this.#picker.finish().length > 0 && last !== undefined) this.#keep(last);
  }

  /** Distinct pictures in time order. */
  pictures(): readonly Picture[] {
    return [...this.#pictures].sort(([a], [b]) => a - b).map(([, picture]) => picture);
  }

  targets(): readonly FrameTarget[] {
    return this.#picker.targets();
  }

  video(): ExtractedVideo {
    const { width, height } = this.#plan;
    const size = width * height * 3;
    const targets = this.targets();
    const pixels = new Uint8Array(targets.length * size);
    targets.forEach((target, index) => {
      const picture = this.#pictures.get(target.ptsMs);
      if (picture !== undefined) pixels.set(picture.rgb, index * size);
    });
    return { width, height, targets, pixels };
  }

  #keep({ frame, ptsMs }: TimedFrame): void {
    if (!this.#pictures.has(ptsMs)) this.#pictures.set(ptsMs, this.#maker.make(frame));
  }
}

/** A decoded frame; its planes are libav's, and change when the frame is used again. */
export interface TimedFrame {
  readonly frame: Frame;
  /** Milliseconds after t = 0. */
  readonly ptsMs: number;
}
