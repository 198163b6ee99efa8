/**
 * Where the log, the store, the registry and the models are: parsed here, opened by the composition root.
 *
 * P1. A place always has a scheme; after `sqlite:` and `folder:` follows a literal path (no percent-decoding).
 * P2. Relative paths are taken from `baseDir`: the working directory for flags and environment, else the file's folder.
 */
import { resolve } from 'node:path';
import { FirstFiveError } from '../core/errors.ts';

export type LogPlace =
  | { readonly kind: 'sqlite'; readonly path: string }
  | { readonly kind: 'kafka'; readonly brokers: readonly string[] };

/** The keys of a bucket below a prefix; all of them where it is empty. */
export interface S3Place {
  readonly bucket: string;
  readonly prefix: string;
}

export type StorePlace =
  | { readonly kind: 'folder'; readonly path: string }
  | ({ readonly kind: 's3' } & S3Place);

export type RegistryPlace =
  | { readonly kind: 'folder'; readonly path: string }
  | { readonly kind: 'http'; readonly url: string };

export type InferencePlace =
  | { readonly kind: 'local' }
  /** A server of the Open Inference Protocol v2. */
  | { readonly kind: 'remote'; readonly url: string };

export interface ModelsPlace {
  readonly kind: 'folder';
  readonly path: string;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

export function parseLogPlace(text: string, baseDir: string): LogPlace {
  if (text.startsWith('sqlite:')) return { kind: 'sqlite', path: pathAfter('sqlite:', text, baseDir) };
  if (text.startsWith('kafka://')) {
    const brokers = text.slice('kafka://'.length).split(',');
    for (const broker of brokers) parseAddress(broker, 1);
    return { kind: 'kafka', brokers };
  }
  throw invalid(`${quoted(text)} is no log; write sqlite:PATH or kafka://HOST:PORT[,HOST:PORT]`);
}

export function parseStorePlace(text: string, baseDir: string): StorePlace {
  if (text.startsWith('folder:')) return { kind: 'folder', path: pathAfter('folder:', text, baseDir) };
  const place = s3Place(text);
  if (place !== undefined) return { kind: 's3', ...place };
  throw invalid(`${quoted(text)} is no store; write folder:PATH or s3://BUCKET[/PREFIX]`);
}

/** Parted by commas, which no bucket's name holds; a prefix with a comma cannot be given. */
export function parseS3Places(text: string): readonly S3Place[] {
  return text
    .split(',')
    .filter((part) => part !== '')
    .map((part) => {
      const place = s3Place(part);
      if (place === undefined)
        throw invalid(`${quoted(part)} is no place of an S3 store; write s3://BUCKET[/PREFIX]`);
      return place;
    });
}

function s3Place(text: string): S3Place | undefined {
  const match = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/.exec(text);
  return match === null
    ? undefined
    : { bucket: match[1] ?? '', prefix: (match[2] ?? '').replace(/\/+$/, '') };
}

export function parseRegistryPlace(text: string, baseDir: string): RegistryPlace {
  if (text.startsWith('folder:')) return { kind: 'folder', path: pathAfter('folder:', text, baseDir) };
  if (/^https?:\/\//.test(text)) return { kind: 'http', url: parseHttpUrl(text) };
  throw invalid(`${quoted(text)} is no registry; write folder:PATH or http(s)://HOST[:PORT]`);
}

export function parseInferencePlace(text: string): InferencePlace {
  if (text === 'local') return { kind: 'local' };
  if (/^https?:\/\//.test(text)) return { kind: 'remote', url: parseHttpUrl(text) };
  throw invalid(`${quoted(text)} is no place of inference; write local or http(s)://HOST[:PORT]`);
}

export function parseModelsPlace(text: string, baseDir: string): ModelsPlace {
  if (text.startsWith('folder:')) return { kind: 'folder', path: pathAfter('folder:', text, baseDir) };
  throw invalid(`${quoted(text)} is no model repository; write folder:PATH`);
}

/** `host:port`, `[::1]:port`; the port must be at least `minPort` (0 means "any free one" where it may be 0). */
export function parseAddress(text: string, minPort: number): Address {
  const match = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (match === null || port < minPort || port > 65_535) {
    throw invalid(`${quoted(text)} is no address; write HOST:PORT`);
  }
  return { host: (match[1] ?? '').replace(/^\[|\]$/g, ''), port };
}

export function parseHttpUrl(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text.replace(/\/+$/, '');
  throw invalid(`${quoted(text)} is no http(s) URL`);
}

function pathAfter(scheme: string, text: string, baseDir: string): string {
  const path = text.slice(scheme.length);
  if (path === '' || path.includes('\0')) throw invalid(`${quoted(text)} lacks a path after ${scheme}`);
  return resolve(baseDir, path);
}

/** A value that a message may repeat: one line, bounded, and without a password that a URL may carry. */
export function quoted(text: string): string {
  const plain = text.replace(/\/\/[^/@\s]*@/, '//…@').slice(0, 120);
  return JSON.stringify(plain);
}

function invalid(message: string): FirstFiveError {
  return new FirstFiveError('CONFIG_INVALID', message);
}
