/** What every `ObjectStore` promises (src/stages/object-store.ts, O1 to O3). Each adapter's test runs it with a harness of its own. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ObjectStore } from '../../src/stages/object-store.ts';

export interface ObjectStoreHarness {
  readonly store: ObjectStore;
  /** The same objects through a store of its own, as another process would have it. */
  connect(): ObjectStore;
  /** Writes or overwrites an object from outside; returns the uri that `open` takes. */
  upload(name: string, bytes: Uint8Array): Promise<string>;
  dispose(): Promise<void>;
}

const bytes = (text: string) => new TextEncoder().encode(text);

export function describeObjectStore(name: string, open: () => Promise<ObjectStoreHarness>): void {
  describe(`${name} as an ObjectStore`, () => {
    let harness: ObjectStoreHarness;
    beforeEach(async () => {
      harness = await open();
    });
    afterEach(() => harness.dispose());
    describeMedia(() => harness);
    describeArtefacts(() => harness);
  });
}

function describeMedia(harness: () => ObjectStoreHarness): void {
  it('reads ranges of an opened object, shorter only at its end', async () => {
    const uri = await harness().upload('clip.mp4', bytes('0123456789'));
    const object = await harness().store.open(uri);
    expect(object).toMatchObject({ uri, sizeBytes: 10 });
    expect(await object.read(0, 4)).toEqual(bytes('0123'));
    expect(await object.read(7, 100)).toEqual(bytes('789'));
    expect(await object.read(10, 5)).toEqual(new Uint8Array());
    expect(await object.read(3, 0)).toEqual(new Uint8Array());
    await object.close();
  });

  it('gives the same bytes the same etag and a changed object another one', async () => {
    const uri = await harness().upload('clip.mp4', bytes('first'));
    const etagNow = async () => {
      const object = await harness().store.open(uri);
      await object.close();
      return object.etag;
    };
    const first = await etagNow();
    expect(await etagNow()).toBe(first);
    await harness().upload('clip.mp4', bytes('other'));
    expect(await etagNow()).not.toBe(first);
  });

  it('never mixes bytes of before and after a change (O1)', async () => {
    const uri = await harness().upload('clip.mp4', bytes('a'.repeat(100)));
    const object = await harness().store.open(uri);
    await object.read(0, 10);
    await harness().upload('clip.mp4', bytes('b'.repeat(90)));
    await expect(object.read(10, 10)).rejects.toMatchObject({ code: 'MEDIA_CHANGED' });
    await object.close();
  });

  it('says that an object is not there', async () => {
    const uri = await harness().upload('clip.mp4', bytes('x'));
    await expect(harness().store.open(`${uri}.missing`)).rejects.toMatchObject({
      code: 'MEDIA_NOT_FOUND',
      kind: 'terminal',
    });
  });

  it('opens an empty object', async () => {
    const object = await harness().store.open(await harness().upload('empty.mp4', new Uint8Array()));
    expect(object.sizeBytes).toBe(0);
    expect(await object.read(0, 10)).toEqual(new Uint8Array());
    await object.close();
  });

  it('stops when it is told to', async () => {
    const uri = await harness().upload('clip.mp4', bytes('x'.repeat(100)));
    await expect(harness().store.open(uri, AbortSignal.abort())).rejects.toThrow();
    const object = await harness().store.open(uri);
    await expect(object.read(0, 10, AbortSignal.abort())).rejects.toThrow();
    await object.close();
  });
}

function describeArtefacts(harness: () => ObjectStoreHarness): void {
  it('gives back what was put, whatever the bytes', async () => {
    let count = 0;
    const check = fc.asyncProperty(fc.uint8Array({ maxLength: 5_000 }), async (content) => {
      const key = `sha256/ab/${count++}`;
      expect(await harness().store.putIfAbsent(key, content)).toBe(true);
      expect(await harness().connect().get(key)).toEqual(content);
    });
    await fc.assert(check, { numRuns: 15 });
  });

  it('never overwrites (O2)', async () => {
    const { store } = harness();
    expect(await store.putIfAbsent('a/b', bytes('first'))).toBe(true);
    expect(await store.putIfAbsent('a/b', bytes('second'))).toBe(false);
    expect(await store.get('a/b')).toEqual(bytes('first'));
  });

  it('lets exactly one of many writers win, and shows its bytes whole (O2)', async () => {
    const writers = Array.from({ length: 12 }, (_, i) => new Uint8Array(40_000).fill(i + 1));
    const wins = await Promise.all(
      writers.map((content) => harness().connect().putIfAbsent('race/key', content)),
    );
    expect(wins.filter(Boolean)).toHaveLength(1);
    expect(await harness().store.get('race/key')).toEqual(writers[wins.indexOf(true)]);
  });

  it('says that an artefact is missing', async () => {
    await expect(harness().store.get('sha256/00/none')).rejects.toMatchObject({ code: 'ARTEFACT_MISSING' });
  });

  it('deletes once', async () => {
    const { store } = harness();
    await store.putIfAbsent('a/b', bytes('x'));
    expect(await store.delete('a/b')).toBe(true);
    expect(await store.delete('a/b')).toBe(false);
    expect(await store.delete('never/was')).toBe(false);
    await expect(store.get('a/b')).rejects.toMatchObject({ code: 'ARTEFACT_MISSING' });
    expect(await store.putIfAbsent('a/b', bytes('y'))).toBe(true);
  });

  it.each(['../out', 'a/../../out', '/etc/hosts', 'a//b', 'a/./b', '..'])(
    'refuses the key %s (O3)',
    async (key) => {
      const { store } = harness();
      const forbidden = { code: 'MEDIA_FORBIDDEN' };
      await expect(store.putIfAbsent(key, bytes('x'))).rejects.toMatchObject(forbidden);
      await expect(store.get(key)).rejects.toMatchObject(forbidden);
      await expect(store.delete(key)).rejects.toMatchObject(forbidden);
    },
  );
}
