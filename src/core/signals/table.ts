/**
 * The signals of an extraction: what each one means, in one table that documentation and code share.
 *
 * G1. A value is a finite number or `null`; `null` means that the modality is missing or the quantity has no value for
 *     this upload (loudness of silence, change between frames where there is one frame).
 * G2. `range` is closed; `null` as a bound means that there is none. Every value leaves inside its range.
 * G3. "Between target frames" is said in the name: targets lie about a second apart, so these are not the frame-to-frame
 *     quantities of the same literature.
 */

export interface SignalDefinition {
  readonly unit: string;
  readonly range: readonly [low: number | null, high: number | null];
  /** What is computed, completely enough to do it again. */
  readonly formula: string;
  readonly source: string;
}

export const SIGNALS = {
  'media.duration': {
    unit: 's',
    range: [0, null],
    formula: 'duration that the container states',
    source: 'container',
  },
  'media.bitRate': {
    unit: 'bit/s',
    range: [0, null],
    formula: 'size of the object times 8 / duration',
    source: 'container',
  },
  'video.width': {
    unit: 'pixel',
    range: [1, null],
    formula: 'width as seen: sample aspect and rotation applied',
    source: 'container, codec',
  },
  'video.height': {
    unit: 'pixel',
    range: [1, null],
    formula: 'height as seen',
    source: 'container, codec',
  },
  'video.aspect': {
    unit: 'ratio',
    range: [0, null],
    formula: 'width as seen / height as seen',
    source: 'container, codec',
  },
  'video.frameRate': {
    unit: 'frame/s',
    range: [0, null],
    formula: 'average frame rate that the container states',
    source: 'container',
  },
  'video.brightness': {
    unit: 'share of full scale',
    range: [0, 1],
    formula: 'mean luma Y, expanded to full range; mean over the distinct target frames',
    source: 'ITU-R BT.601-7 / BT.709-6 luma',
  },
  'video.contrast': {
    unit: 'share of full scale',
    range: [0, 1],
    formula: 'standard deviation of Y over the picture (RMS contrast); mean over the distinct target frames',
    source: 'Peli 1990, Contrast in complex images',
  },
  'video.colourfulness': {
    unit: '8-bit RGB units',
    range: [0, 255],
    formula:
      'sqrt(var rg + var yb) + 0.3 sqrt(mean rg^2 + mean yb^2), rg = R - G, yb = (R + G) / 2 - B, on the scaled RGB ' +
      'pictures of the plan; mean over the distinct target frames',
    source: 'Hasler and Suesstrunk 2003, equation for M(3)',
  },
  'video.si': {
    unit: '8-bit luma units',
    range: [0, 1443],
    formula:
      'max over the distinct target frames of the standard deviation of the Sobel magnitude of Y (0-255), native ' +
      'resolution, border left out',
    source: 'ITU-T P.910 (07/2022), spatial perceptual information',
  },
  'video.siMean': {
    unit: '8-bit luma units',
    range: [0, 1443],
    formula: 'as video.si, mean instead of max',
    source: 'ITU-T P.910 (07/2022), spatial perceptual information',
  },
  'video.sharpness': {
    unit: '8-bit luma units squared',
    range: [0, null],
    formula:
      'variance of the 4-neighbour Laplacian of Y (0-255), native resolution; mean over the distinct target frames',
    source: 'Pech-Pacheco et al. 2000, LAPV',
  },
  'video.blockiness': {
    unit: 'ratio',
    range: [0, null],
    formula:
      'mean |difference| of neighbouring Y across the 8-pixel grid of the coded picture / mean |difference| elsewhere, on ' +
      'every 4th row, mean of both directions (1 = no grid), limited to 16; mean over the distinct target frames',
    source: 'after Wang, Sheikh and Bovik 2002, No-reference perceptual quality assessment of JPEG',
  },
  'video.changeBetweenTargets': {
    unit: 'share of full scale',
    range: [0, 1],
    formula:
      'mean |difference| of Y between successive distinct target frames (scaled pictures); mean over the pairs',
    source: 'definition',
  },
  'video.motionBetweenTargets': {
    unit: '8-bit luma units',
    range: [0, 255],
    formula:
      'standard deviation over the picture of the difference of Y between successive distinct target frames (scaled ' +
      'pictures); max over the pairs',
    source: 'ITU-T P.910 (07/2022), the formula of temporal perceptual information, on target frames',
  },
  'video.cutsBetweenTargets': {
    unit: 'count',
    range: [0, null],
    formula:
      'number of pairs of successive distinct target frames whose RGB histograms (4x4x4 bins) differ by more than 0.5 ' +
      '(half the L1 distance)',
    source: 'after Swain and Ballard 1991, histogram intersection',
  },
  'video.distinctFrames': {
    unit: 'count',
    range: [1, null],
    formula: 'number of different frames that answer the targets of the plan',
    source: 'definition',
  },
  'audio.loudness': {
    unit: 'LUFS',
    range: [-70, null],
    formula:
      'integrated loudness over the window, K-weighted at the native rate, native channels, gates at -70 LUFS and -10 LU; ' +
      'null below the gate or under 400 ms',
    source: 'EBU R 128 (2023), ITU-R BS.1770-4 annex 1',
  },
  'audio.peak': {
    unit: 'dBFS',
    range: [-200, null],
    formula: '20 log10 of the largest absolute sample of any native channel (sample peak, not true peak)',
    source: 'EBU Tech 3341 vocabulary',
  },
  'audio.silenceRatio': {
    unit: 'share',
    range: [0, 1],
    formula: 'share of the 20 ms blocks of the mono sound whose RMS lies below -50 dBFS',
    source: 'definition',
  },
  'audio.onsetRate': {
    unit: '1/s',
    range: [0, null],
    formula:
      'onsets per second of sound: local maxima (+-48 ms) of the mean positive difference of log(1 + 1000 |X|) between ' +
      'frames of 512 samples (Hann, hop 256) of the 16 kHz mono sound that exceed the mean of their surroundings ' +
      '(144 ms before to 48 ms after) by 0.15',
    source: 'spectral flux, Dixon 2006, Onset detection revisited',
  },
  'audio.speechBandShare': {
    unit: 'share',
    range: [0, 1],
    formula:
      'energy between 300 and 3,400 Hz / energy above 0 Hz, of the mono sound (frames of 512, Hann, hop 256)',
    source: 'telephone band of ITU-T G.712',
  },
  'audio.duration': {
    unit: 's',
    range: [0, null],
    formula: 'length of the sound found in the window',
    source: 'definition',
  },
} as const satisfies Record<string, SignalDefinition>;

export type SignalName = keyof typeof SIGNALS;

export const SIGNAL_NAMES = Object.keys(SIGNALS) as readonly SignalName[];
