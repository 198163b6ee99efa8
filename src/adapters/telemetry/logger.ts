/**
 * Structured logs: one JSON object a line on stderr.
 *
 * L1. A message is a static sentence; what varies stands in attributes. Both are searchable that way.
 * L2. Personal data is never logged: attributes that hold an uploader's words or identity are left out at every level,
 *     whoever passes them in.
 */
import pino from 'pino';

export type LogAttributes = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(attributes: LogAttributes, message: string): void;
  info(attributes: LogAttributes, message: string): void;
  warn(attributes: LogAttributes, message: string): void;
  error(attributes: LogAttributes, message: string): void;
}

export interface LoggerOptions {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** Where lines go; stderr when left out. */
  readonly stream?: { write(line: string): void };
  /** Attributes of every line. */
  readonly attributes?: LogAttributes;
}

const PERSONAL: ReadonlySet<string> = new Set([
  'title',
  'description',
  'caption',
  'creatorId',
  'attributes',
  'text',
  'event',
]);
const MAX_DEPTH = 4;

export function createLogger(options: LoggerOptions): Logger {
  return pino(
    {
      level: options.level,
      base: options.attributes ?? {},
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: {
        level: (label) => ({ level: label }),
        log: (attributes) => withoutPersonal(attributes, 0) as Record<string, unknown>,
      },
      serializers: { error: pino.stdSerializers.errWithCause, err: pino.stdSerializers.errWithCause },
    },
    // Synchronous: the lines before a crash are the ones that matter.
    options.stream ?? pino.destination({ fd: 2, sync: true }),
  );
}

function withoutPersonal(value: unknown, depth: number): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null || value instanceof Error) return value;
  if (depth >= MAX_DEPTH) return '…';
  if (Array.isArray(value)) return value.map((item) => withoutPersonal(item, depth + 1));
  const kept = Object.entries(value).filter(([key]) => !PERSONAL.has(key));
  return Object.fromEntries(kept.map(([key, inner]) => [key, withoutPersonal(inner, depth + 1)]));
}
