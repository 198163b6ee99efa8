/** Colours, where the stream is a terminal that wants them: NO_COLOR (no-color.org) and FORCE_COLOR are respected. */
import { styleText } from 'node:util';
import type { CliStream } from './streams.ts';

type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';
export type Paint = (style: Style, text: string) => string;

export function painterFor(stream: CliStream, env: Readonly<Record<string, string | undefined>>): Paint {
  if (!wantsColour(stream, env)) return (_style, text) => text;
  return (style, text) => styleText(style, text, { validateStream: false });
}

function wantsColour(stream: CliStream, env: Readonly<Record<string, string | undefined>>): boolean {
  const { NO_COLOR: no, FORCE_COLOR: force, TERM: terminal } = env;
  if (no !== undefined && no !== '') return false;
  if (force !== undefined) return force !== '0' && force !== 'false';
  return stream.isTTY === true && terminal !== 'dumb';
}
