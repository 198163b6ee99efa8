/** Channel masks of the layout names that ffprobe prints (libavutil, channel_layout.h). */

export const AV_LAYOUT_MASKS: Readonly<Record<string, bigint>> = {
  mono: 0x4n,
  stereo: 0x3n,
  '2.1': 0xbn,
  '3.0': 0x7n,
  '3.0(back)': 0x103n,
  '4.0': 0x107n,
  quad: 0x33n,
  'quad(side)': 0x603n,
  '3.1': 0xfn,
  '4.1': 0x10fn,
  '5.0': 0x37n,
  '5.0(side)': 0x607n,
  '5.1': 0x3fn,
  '5.1(side)': 0x60fn,
  '6.0': 0x707n,
  '6.1': 0x70fn,
  '7.0': 0x637n,
  '7.1': 0x63fn,
};
