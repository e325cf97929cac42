import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { digestOf, type Clock, type LayerId, type LayerStore, type StagedLayer } from '@cachelane/core';
import { openLayerFiles } from '../home/layer-files.ts';
import { realFiles, type StoreFiles } from '../files/store-files.ts';
import { framed, once } from '../wire/sent-layer.fixture.ts';
import { requireThat, split, type FuzzTarget, type TargetOptions } from './fuzz-target.fixture.ts';
import { contentsOf } from './frames-target.fixture.ts';
import { surroundings } from './surroundings.fixture.ts';
import { archivePieces, layerInputs, layerShape } from './walk-target.fixture.ts';

const noAbort = new AbortController().signal;
const clock: Clock = { nowMs: () => 1, monotonicMs: () => 1, sleep: () => Promise.resolve() };

interface Home {
  readonly dir: string;
  readonly store: LayerStore;
}

type Taken = readonly { readonly home: Home; readonly staged: StagedLayer }[];

/** Tests a store that unpacks each layer as a tree and as an image. Both must refuse the same layers. */
export function takeInTarget(
  { seed, dir }: TargetOptions,
  open: (images: boolean, dir: string) => LayerStore = openStore,
): FuzzTarget<Taken> {
  const { inside, requireUntouched } = surroundings(dir);
  const homes = [false, true].map((images): Home => {
    const home = `${inside}/${images ? 'images' : 'trees'}`;
    mkdirSync(home, { recursive: true });
    return { dir: home, store: open(images, home) };
  });
  return {
    ...layerShape,
    refusals: ['E_LAYER_CORRUPT', 'E_LAYER_REFUSED', 'E_STORE_NEWER', 'E_DISK_FULL'],
    bases: layerInputs(seed, 20),
    pieces: archivePieces,
    async accept(input) {
      const [index, archive] = split(input);
      const [frames, id] = [await framed(archive), digestOf(index) as LayerId];
      const verdicts = await Promise.all(
        homes.map(async ({ store }) =>
          store.unpack({ id, index, data: once(frames), sealedAtMs: 1 }, noAbort).then(
            (staged) => ({ staged, error: null }),
            (error: Error) => ({ staged: null, error }),
          ),
        ),
      );
      const [first] = verdicts;
      for (const { error } of verdicts)
        requireThat(
          withoutSpace(error) === withoutSpace(first?.error ?? null),
          'one form accepts a layer that the other refuses',
        );
      if (first?.error) throw first.error;
      return homes.map((home, i) => ({ home, staged: verdicts[i]?.staged as StagedLayer }));
    },
    async hold(input, taken) {
      const [, archive] = split(input);
      for (const { home, staged } of taken) {
        await home.store.publish(staged, noAbort);
        const { ok, problems } = await home.store.verify(staged.id, noAbort);
        requireThat(ok, `the unpacked layer is damaged: ${problems.join(', ')}`);
        const packed: Buffer[] = [];
        const { data } = await home.store.pack(staged.id, noAbort);
        for await (const part of contentsOf(data)) packed.push(Buffer.from(part));
        requireThat(Buffer.concat(packed).equals(archive), 'the unpacked layer packs to different bytes');
        rmSync(`${home.dir}/layers/${staged.id}`, { recursive: true });
      }
    },
    after() {
      const left = homes.map((home) => leftIn(home.dir)).join('');
      for (const { dir: home } of homes)
        for (const name of readdirSync(home)) rmSync(`${home}/${name}`, { recursive: true });
      requireThat(left === '', 'the store has leftover files');
      requireUntouched();
    },
    close: () => {},
  };
}

/** Skips syncs, and deletes trash at once. */
const hastyFiles: StoreFiles = {
  ...realFiles,
  writeSynced: (path, content) => writeFileSync(path, content, { flag: 'wx', mode: 0o644 }),
  syncDir: () => {},
  start(job) {
    if (job.kind === 'remove') rmSync(job.dir, { recursive: true });
  },
};

export function openStore(images: boolean, dir: string): LayerStore {
  return openLayerFiles({
    dir,
    bootId: 'boot',
    clock,
    images: async () => await Promise.resolve(images),
    files: hastyFiles,
  });
}

/** Free space changes all the time. */
function withoutSpace(error: Error | null): string {
  return error === null ? '' : error.message.replace(/, but only \d+ are free/, '');
}

/** Returns the files left in the home, ignoring empty directories. */
function leftIn(home: string): string {
  return readdirSync(home, { recursive: true, encoding: 'latin1' })
    .filter((name) => !['layers', 'staging', 'trash'].includes(name))
    .join(' ');
}
