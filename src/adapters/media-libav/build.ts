/** Identity of the decoding code. */
import { readFileSync } from 'node:fs';

/** `libav/8.1 node-av/6.1.1 linux-x64`; part of every plan digest. */
export function libavBuild(ffmpegVersion: string): string {
  const manifest = new URL('../../package.json', import.meta.resolve('node-av/lib'));
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { readonly version: string };
  return `libav/${ffmpegVersion} node-av/${version} ${process.platform}-${process.arch}`;
}
