import { CachelaneError, type Mount } from '@cachelane/core';
import { expect, test } from 'vitest';
import {
  install,
  testEngine,
  testHome,
  text,
  type TestEngine,
  type TestEngineOptions,
} from '../testing/test-engine.fixture.ts';

/** A machine with pulled images: `a` below `b`. */
async function pulled(
  options: TestEngineOptions = {},
): Promise<TestEngine & Pick<Required<TestEngineOptions>, 'home'>> {
  const home = testHome();
  const engine = testEngine({ ...options, home });
  for (const name of ['a', 'b']) await engine.run(([volume]) => install(volume, name));
  for (const layer of home.disk.layers.values()) layer.isImage = true;
  engine.events.length = 0;
  return { ...engine, home };
}

const imagesIn = (mounts: readonly Mount[]): number =>
  mounts.reduce((sum, mount) => sum + (mount.kind === 'overlay' ? mount.images.length : 0), 0);

const refuseImages = (mounts: readonly Mount[]): string | null =>
  imagesIn(mounts) > 0 ? 'no images are mounted here' : null;

const told = ({ events }: TestEngine): readonly unknown[] =>
  events.flatMap<unknown>((event) => {
    if (event.type === 'extracting') return [event];
    return event.type === 'warning' ? [event.message] : [];
  });

const seenBy = async (engine: TestEngine, options: Parameters<TestEngine['run']>[1]): Promise<readonly string[]> => {
  const seen: string[] = [];
  await engine.run(([volume]) => {
    for (const [path, file] of volume?.look() ?? []) if (file.type === 'file') seen.push(path);
  }, options);
  return seen.toSorted();
};

const all = ['content/a', 'content/b', 'index/bucket'];

test('images that can be mounted are not extracted', async () => {
  const engine = await pulled();
  expect(await seenBy(engine, {})).toEqual(all);
  expect(told(engine)).toEqual([]);
  expect([...engine.home.disk.layers.values()].map(({ isImage }) => isImage)).toEqual([true, true]);
});

test('images that cannot be mounted are extracted, and the run mounts the trees', async () => {
  const engine = await pulled();
  const asked: number[] = [];
  const refuse = (mounts: readonly Mount[]): string | null => {
    asked.push(imagesIn(mounts));
    return refuseImages(mounts);
  };
  const result = await engine.run(([volume]) => expect(text(volume, 'index/bucket')).toBe('a\nb\n'), { refuse });
  expect(result.report.volumes).toMatchObject([{ mounter: 'overlay', hits: [{ layers: 2 }] }]);
  expect(asked).toEqual([2, 0]);
  expect(told(engine)).toEqual([{ type: 'extracting', layers: 2, reason: 'no images are mounted here' }]);
  // Extracted once only.
  expect(await seenBy(engine, { refuse })).toEqual(all);
  expect(told(engine)).toHaveLength(1);
});

test('images are also extracted with --mounter overlay', async () => {
  const engine = await pulled();
  const request = { mounter: 'overlay' } as const;
  expect(await seenBy(engine, { refuse: refuseImages, request })).toEqual(all);
});

test('if nothing can be mounted, the run falls back after one more try', async () => {
  const engine = await pulled();
  let calls = 0;
  const refuse = (): string | null => (++calls <= 2 ? 'nothing is mounted here' : null);
  const result = await engine.run(() => undefined, { refuse });
  expect(calls).toBe(3);
  expect(result.report.volumes).toMatchObject([{ mounter: 'clone', hits: [{ layers: 2 }] }]);
});

test('a damaged image is left out with a reason, and the others are used', async () => {
  const engine = await pulled();
  for (const { contents } of engine.home.disk.layers.values()) contents.delete('content/a' as never);
  expect(await seenBy(engine, { refuse: refuseImages })).toEqual(['content/b', 'index/bucket']);
  expect(told(engine)).toEqual([
    expect.objectContaining({ type: 'extracting' }),
    expect.stringMatching(/^layer .* of indexed \(saved by .*\) is left out: content\/a is missing$/),
  ]);
  const [head] = await engine.deps.metadata.listHeads(new AbortController().signal);
  expect(head?.layers).toHaveLength(1);
});

test('if extracting fails, mounting is not tried again, and a warning says why', async () => {
  const full = new CachelaneError('E_DISK_FULL', 'the disk is full');
  const engine = await pulled({
    wrap: (deps) => ({ ...deps, layers: { ...deps.layers, extract: () => Promise.reject(full) } }),
  });
  let overlays = 0;
  const refuse = (mounts: readonly Mount[]): string | null => {
    overlays += 1;
    return overlays === 1 ? refuseImages(mounts) : null;
  };
  const result = await engine.run(() => undefined, { refuse, request: { strict: false } });
  expect([overlays, result.report.volumes[0]?.mounter]).toEqual([2, 'clone']);
  expect(told(engine)).toEqual([expect.objectContaining({ type: 'extracting' }), 'the disk is full']);
  await expect(engine.run(() => undefined, { refuse: refuseImages })).rejects.toBe(full);
});
