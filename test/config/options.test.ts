import { describe, expect, it } from 'vitest';
import { OPTION_TABLE } from '../../src/config/option-table.ts';
import { environmentSource, type OptionSource, resolveOptions } from '../../src/config/options.ts';

const folders = { packageRoot: '/pkg', cwd: '/work' };
const flags = (values: OptionSource['values']): OptionSource => ({
  origin: 'flag',
  baseDir: '/work',
  values,
});

describe('resolveOptions', () => {
  it('has a default for everything', () => {
    const options = resolveOptions([], folders);
    expect(options).toMatchObject({
      log: { kind: 'sqlite', path: '/work/.firstfive/log.db' },
      store: { kind: 'folder', path: '/work/.firstfive/objects' },
      registry: { kind: 'folder', path: '/pkg/schemas' },
      models: { kind: 'folder', path: '/pkg/models' },
      topologyFile: '/pkg/topologies/cold-start.yaml',
      provider: 'cpu',
      management: { host: '127.0.0.1', port: 0 },
      drainMs: 30_000,
      mediaRoots: [],
    });
    expect(options).not.toHaveProperty('bundle');
    expect(Object.values(options.origins).every((origin) => origin === 'default')).toBe(true);
    expect(Object.isFrozen(options)).toBe(true);
  });

  it('lets the stronger source decide and says which one did', () => {
    const environment = environmentSource(
      { FIRSTFIVE_LOG: 'sqlite:env.db', FIRSTFIVE_REPLICA: '4' },
      '/work',
    );
    const file: OptionSource = {
      origin: 'configuration file',
      baseDir: '/etc/ff',
      values: { log: 'sqlite:file.db', replica: '5', drain: '1.5' },
    };
    const options = resolveOptions([flags({ log: 'sqlite:flag.db' }), environment, file], folders);
    expect(options.log).toEqual({ kind: 'sqlite', path: '/work/flag.db' });
    expect(options.replica).toBe(4);
    expect(options.drainMs).toBe(1_500);
    expect(options.origins).toMatchObject({
      log: 'flag',
      replica: 'environment',
      drain: 'configuration file',
    });
  });

  it('takes relative paths of a file from the folder of that file', () => {
    const file: OptionSource = {
      origin: 'configuration file',
      baseDir: '/etc/ff',
      values: { data: 'd', mediaRoots: ['a', '/b'] },
    };
    const options = resolveOptions([file], folders);
    expect(options.dataDir).toBe('/etc/ff/d');
    expect(options.log).toEqual({ kind: 'sqlite', path: '/etc/ff/d/log.db' });
    expect(options.mediaRoots).toEqual(['/etc/ff/a', '/b']);
  });

  it('refuses a wrong value even where a stronger source hides it', () => {
    const environment = environmentSource({ FIRSTFIVE_PROVIDER: 'gpu' }, '/work');
    expect(() => resolveOptions([flags({ provider: 'cpu' }), environment], folders)).toThrow(
      'FIRSTFIVE_PROVIDER: "gpu" is none of cpu, cuda, tensorrt',
    );
  });

  it.each([
    ['replica', '-1'],
    ['replica', '1.5'],
    ['drain', '30s'],
    ['topicPrefix', 'a/b'],
    ['bundle', '../x'],
    ['management', 'localhost'],
    ['decoder', 'gstreamer'],
    ['logLevel', 'loud'],
    ['otlp', 'collector:4318'],
    ['data', ''],
  ] as const)('refuses %s %j', (key, value) => {
    expect(() => resolveOptions([flags({ [key]: value })], folders)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
  });

  it('takes a bare word as a topology that ships, and anything else as a path', () => {
    const of = (topology: string) => resolveOptions([flags({ topology })], folders).topologyFile;
    expect(of('rescore')).toBe('/pkg/topologies/rescore.yaml');
    expect(of('rescore.yaml')).toBe('/work/rescore.yaml');
    expect(of('./rescore')).toBe('/work/rescore');
  });
});

describe('environmentSource', () => {
  it('treats an empty variable as unset', () => {
    expect(environmentSource({ FIRSTFIVE_LOG: '' }, '/').values).toEqual({});
  });

  it('names every option FIRSTFIVE_…', () => {
    expect(OPTION_TABLE.map((option) => option.env)).toEqual(
      expect.arrayContaining(['FIRSTFIVE_LOG', 'FIRSTFIVE_MEDIA_ROOTS', 'FIRSTFIVE_TOPIC_PREFIX']),
    );
  });

  it.each(['FIRSTFIVE_MEDIA_ROOT', 'FIRSTFIVE_LGO', 'FIRSTFIVE_STORES', 'FIRSTFIVE_REPLICE'])(
    'finds the misspelt %s',
    (name) => {
      expect(() => environmentSource({ [name]: 'x' }, '/')).toThrow(/did you mean FIRSTFIVE_/);
    },
  );

  it('leaves alone what others set with our prefix, as Kubernetes does for a service of our name', () => {
    const env = {
      FIRSTFIVE_PORT: 'tcp://10.0.0.1:80',
      FIRSTFIVE_SERVICE_HOST: '10.0.0.1',
      FIRSTFIVE_TEST_LONG: '1',
    };
    expect(environmentSource(env, '/').values).toEqual({});
  });

  it('takes the standard OTLP variable, unless the SDK is switched off', () => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' };
    expect(environmentSource(env, '/').values).toEqual({ otlp: 'http://c:4318' });
    expect(environmentSource({ ...env, OTEL_SDK_DISABLED: 'true' }, '/').values).toEqual({});
    expect(environmentSource({ ...env, FIRSTFIVE_OTLP: 'http://d:1' }, '/').values).toEqual({
      otlp: 'http://d:1',
    });
  });
});
