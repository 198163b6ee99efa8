/** Interpolation kernels as functions of the distance in source samples. */

export type KernelName = 'triangle' | 'cubic-half' | 'cubic-three-quarters';

export interface Kernel {
  /** Greatest distance at which the kernel is not zero. */
  readonly support: number;
  readonly at: (distance: number) => number;
}

/** Keys 1981: the cubic convolution kernel with parameter `a`; -0.5 in Pillow, -0.75 in PyTorch and OpenCV. */
function cubic(a: number): Kernel {
  return {
    support: 2,
    at: (distance) => {
      const x = Math.abs(distance);
      if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
      return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
    },
  };
}

export const KERNELS: Readonly<Record<KernelName, Kernel>> = {
  triangle: {
    support: 1,
    at: (distance) => {
      const x = Math.abs(distance);
      return x < 1 ? 1 - x : 0;
    },
  },
  'cubic-half': cubic(-0.5),
  'cubic-three-quarters': cubic(-0.75),
};
