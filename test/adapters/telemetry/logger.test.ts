import { describe, expect, it } from 'vitest';
import { createLogger } from '../../../src/adapters/telemetry/logger.ts';
import { FirstFiveError } from '../../../src/core/errors.ts';

function logged(
  level: 'debug' | 'info' | 'silent',
  write: (logger: ReturnType<typeof createLogger>) => void,
) {
  const lines: Record<string, unknown>[] = [];
  write(createLogger({ level, stream: { write: (line) => lines.push(JSON.parse(line)) } }));
  return lines;
}

describe('the logger', () => {
  it('writes one JSON object a line with time, level and message', () => {
    const [line] = logged('info', (logger) =>
      logger.info({ topic: 't', offset: 5n }, 'an upload was scored'),
    );
    expect(line).toMatchObject({ level: 'info', topic: 't', offset: '5', msg: 'an upload was scored' });
    expect(Date.parse(String(line?.time))).toBeGreaterThan(0);
  });

  it('writes nothing below its level', () => {
    expect(logged('info', (logger) => logger.debug({}, 'x'))).toEqual([]);
    expect(logged('silent', (logger) => logger.error({}, 'x'))).toEqual([]);
  });

  it("leaves out an uploader's words at every level and depth", () => {
    const words = 'my private words';
    const lines = logged('debug', (logger) => {
      logger.debug({ uploadId: 'u', title: words, nested: { list: [{ description: words, kept: 1 }] } }, 'a');
      logger.info({ event: { title: words }, attributes: { caption: words }, creatorId: words }, 'b');
    });
    expect(JSON.stringify(lines)).not.toContain(words);
    expect(lines[0]).toMatchObject({ uploadId: 'u', nested: { list: [{ kept: 1 }] } });
  });

  it('writes an error with its code and its causes', () => {
    const error = new FirstFiveError('STORE_UNAVAILABLE', 'the store is gone', { cause: new Error('EIO') });
    const [line] = logged('info', (logger) => logger.error({ error }, 'intake is paused'));
    expect(line?.error).toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: 'the store is gone',
      cause: { message: 'EIO' },
    });
  });
});
