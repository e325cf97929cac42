import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench } from '../bench.ts';
import { childArgv, runChild, shellSample, type ChildSample } from '../children.ts';
import { FreshPlaces, hasFreshFileSystems } from '../fresh-place.ts';
import { textOf, timed } from '../processes.ts';
import { decompress, mountAndRead, pack, readAll, unpack } from '../shell-peers.ts';
import { interleave, summarize, summaryOf, type Sample } from '../statistics.ts';
import {
  atLeastTimes,
  atMost,
  atMostOfPeer,
  milliseconds,
  rounded,
  timesFaster,
  type Row,
  type Section,
} from '../table.ts';
import { attachRows } from './images-attach.ts';
import { saveWhole, type WireCorpus } from './wire-corpus.ts';
import { packLayer } from './wire-pack.ts';

/** Times faster than a peer. */
interface Bars {
  readonly pull: number;
  readonly read: number;
  readonly megabytes: number | null;
}

const barsOf: Readonly<Record<string, Bars>> = {
  nm: { pull: 3, read: 1.5, megabytes: 300 },
  npm: { pull: 1.5, read: 0.95, megabytes: null },
  go: { pull: 1.2, read: 0.95, megabytes: null },
};

/** Each round writes everything four times over. */
const roundsOfEverything = 3;

/** Only root can mount images directly. */
const canMount = process.geteuid?.() === 0;

/** Measures pulled layers that are kept as images. */
export function measureImages(bench: Bench): readonly Section[] {
  const rows = bench.corpora.flatMap((corpus) => {
    bench.say(`images: ${corpus.name}`);
    return corpusRows(bench, saveWhole(bench, corpus));
  });
  bench.say('images: attach');
  const place = hasFreshFileSystems ? 'a fresh ext4 for each round' : 'a fresh directory';
  return [
    { title: `A layer of everything as an image, on ${place}, digests checked`, rows },
    { title: 'Attach of a pulled volume', rows: attachRows(bench) },
  ];
}

interface ReadSample extends Sample, ChildSample {
  /** Including one read of everything. */
  readonly readMs: number;
}

interface Samples {
  readonly image: readonly ReadSample[];
  readonly tree: readonly ChildSample[];
  readonly tar: readonly { readonly ms: number; readonly readMs: number }[];
  readonly limit: readonly Sample[];
}

function corpusRows(bench: Bench, saved: WireCorpus): readonly Row[] {
  const { name, filesDir } = saved.corpus;
  const file = bench.path(`images-${name}.wire`);
  packLayer(bench, saved, { id: saved.whole, file });
  const archive = bench.path(`images-${name}.tar.zst`);
  shellSample(pack, [filesDir, archive], { env: bench.env });
  using places = new FreshPlaces((round) => bench.path(`images-${name}-${round}`));
  const placeOf = (what: string, round: number): string => {
    const dir = join(places.of(round), what);
    mkdirSync(dir);
    textOf(['sync', '-f', dir]);
    return dir;
  };
  const takeIn = (kind: 'image' | 'layer', home: string): ChildSample =>
    runChild(childArgv('pull', kind, home, saved.whole, file), { env: bench.env });
  const samples = interleave(
    { rounds: Math.min(bench.rounds, roundsOfEverything), warmUp: true },
    {
      image: (round) => {
        const home = placeOf('image', round);
        const sample = takeIn('image', home);
        return { ...sample, readMs: sample.ms + imageReadMs(bench, join(home, 'layers', saved.whole)) };
      },
      tar: (round) => {
        const dir = placeOf('tar', round);
        const { ms } = shellSample(unpack, [archive, dir], { env: bench.env });
        return { ms, readMs: ms + timed(['sh', '-c', readAll], { cwd: dir }) };
      },
      tree: (round) => takeIn('layer', placeOf('tree', round)),
      limit: (round) => ({ ms: shellSample(decompress, [archive, join(placeOf('limit', round), 'tar')]).ms }),
    },
  );
  return rowsOf(name, samples);
}

/** Mounts and reads the image as root, in a separate mount namespace. */
function imageReadMs(bench: Bench, layerDir: string): number {
  if (!canMount) return Number.NaN;
  const argv = ['unshare', '--mount', 'sh', '-ec', mountAndRead, join(layerDir, 'image.erofs'), join(layerDir, 'tree')];
  return timed(argv, { env: bench.env });
}

function rowsOf(volume: string, { image, tree, tar, limit }: Samples): readonly Row[] {
  const bars = barsOf[volume];
  const [pulled, extracted] = [summaryOf(image, 'ms'), summaryOf(tree, 'ms')];
  const [tarTook, tarRead, read] = [summaryOf(tar, 'ms'), summaryOf(tar, 'readMs'), summaryOf(image, 'readMs')];
  const least = summaryOf(limit, 'ms');
  const peak = summarize(image.map(({ peakBytes }) => peakBytes / 1e6));
  const readRow: Row = {
    what: 'and every file read once',
    volume,
    measured: milliseconds(read),
    peer: `zstd -d, tar -x, the same ${milliseconds(tarRead)}`,
    ratio: timesFaster(tarRead, read),
    ...(bars === undefined ? {} : { bar: atLeastTimes(bars.read, tarRead, read) }),
  };
  return [
    {
      what: 'pulled as an image',
      volume,
      measured: milliseconds(pulled),
      peer: `zstd -d, tar -x ${milliseconds(tarTook)}`,
      ratio: timesFaster(tarTook, pulled),
      ...(bars === undefined ? {} : { bar: atLeastTimes(bars.pull, tarTook, pulled) }),
    },
    {
      what: '- the limit of any pull',
      volume,
      measured: milliseconds(pulled),
      peer: `zstd -d into a file ${milliseconds(least)}`,
      ratio: timesFaster(least, pulled),
    },
    ...(canMount ? [readRow] : []),
    {
      what: 'pulled as a tree',
      volume,
      measured: milliseconds(extracted),
      peer: `zstd -d, tar -x ${milliseconds(tarTook)}`,
      ratio: timesFaster(tarTook, extracted),
      bar: atMostOfPeer(1, { own: tree, peer: tar }),
    },
    {
      what: '- peak memory, as an image',
      volume,
      measured: `${rounded(peak.median)} MB`,
      ...(bars?.megabytes === null || bars === undefined ? {} : { bar: atMost(bars.megabytes, 'MB', peak) }),
    },
  ];
}
