import { describe, expect, it } from 'vitest';
import {
  parseAddress,
  parseLogPlace,
  parseModelsPlace,
  parseRegistryPlace,
  parseS3Places,
  parseStorePlace,
  quoted,
} from '../../src/config/places.ts';

describe('places', () => {
  it('takes a path after its scheme literally, from the base folder', () => {
    expect(parseLogPlace('sqlite:a b%20/log.db', '/base')).toEqual({
      kind: 'sqlite',
      path: '/base/a b%20/log.db',
    });
    expect(parseStorePlace('folder:/abs', '/base')).toEqual({ kind: 'folder', path: '/abs' });
    expect(parseModelsPlace('folder:m', '/base')).toEqual({ kind: 'folder', path: '/base/m' });
  });

  it('reads a list of brokers', () => {
    expect(parseLogPlace('kafka://a:9092,b.example:9093', '/')).toEqual({
      kind: 'kafka',
      brokers: ['a:9092', 'b.example:9093'],
    });
  });

  it('reads a list of places on S3, and refuses it whole for one that is none', () => {
    expect(parseS3Places('s3://one,s3://two/in/')).toEqual([
      { bucket: 'one', prefix: '' },
      { bucket: 'two', prefix: 'in' },
    ]);
    expect(() => parseS3Places('s3://one,folder:two')).toThrow(/folder:two.*is no place of an S3 store/);
  });

  it('parts a bucket from its prefix', () => {
    expect(parseStorePlace('s3://my-bucket', '/')).toEqual({ kind: 's3', bucket: 'my-bucket', prefix: '' });
    expect(parseStorePlace('s3://my-bucket/a/b/', '/')).toEqual({
      kind: 's3',
      bucket: 'my-bucket',
      prefix: 'a/b',
    });
  });

  it('reads a registry by URL', () => {
    expect(parseRegistryPlace('https://r.example:8081/', '/')).toEqual({
      kind: 'http',
      url: 'https://r.example:8081',
    });
  });

  it.each([
    () => parseLogPlace('log.db', '/'),
    () => parseLogPlace('sqlite:', '/'),
    () => parseLogPlace('sqlite:a\0b', '/'),
    () => parseLogPlace('kafka://', '/'),
    () => parseLogPlace('kafka://host', '/'),
    () => parseLogPlace('kafka://a:9092,', '/'),
    () => parseLogPlace('kafka://a:0', '/'),
    () => parseStorePlace('s3://', '/'),
    () => parseStorePlace('s3://UPPER/x', '/'),
    () => parseRegistryPlace('ftp://x', '/'),
    () => parseRegistryPlace('http://', '/'),
  ])('refuses what it cannot read (%#)', (parse) => {
    expect(parse).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID', kind: 'config' }));
  });

  it('reads IPv6 addresses and the port 0 where any port will do', () => {
    expect(parseAddress('[::1]:0', 0)).toEqual({ host: '::1', port: 0 });
    expect(() => parseAddress('::1:80', 0)).toThrow(/HOST:PORT/);
    expect(() => parseAddress('a:65536', 0)).toThrow(/HOST:PORT/);
  });

  it('repeats no password that a value carries', () => {
    expect(quoted('kafka://user:secret@host')).toBe('"kafka://…@host"');
  });
});
