import { mkdirSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Bench } from '../bench.ts';
import { childArgv, runChild, shellSample, type ChildSample } from '../children.ts';
import { pack, unpack } from '../shell-peers.ts';
import { openShapedLink } from '../shaped-link.ts';
import { interleave, summarize, summaryOf, type Sample } from '../statistics.ts';
import { atMost, atMostOfPeer, milliseconds, rounded, timesFaster, type Row } from '../table.ts';
import type { WireCorpus } from './wire-corpus.ts';
import { packLayer } from './wire-pack.ts';

const ofPlainGet = 1.15;
const peakMegabytes = 300;
/** Each round writes everything three times over. */
const roundsOfEverything = 3;

/** Measures a layer of everything, over a link and from the same disk. */
export function pullRows(bench: Bench, saved: WireCorpus): readonly Row[] {
  const { name, filesDir } = saved.corpus;
  const dir = bench.path(`wire-served-${name}`);
  mkdirSync(dir);
  const file = `${dir}/layer.tar.zst`;
  packLayer(bench, saved, { id: saved.whole, file });
  const archive = bench.path(`wire-pull-${name}.tar.zst`);
  shellSample(pack, [filesDir, archive], { env: bench.env });
  using link = openShapedLink(dirname(file), bench.path(`wire-port-${name}`));
  const url = link.urlOf(basename(file));
  const placeOf = (what: string, round: number): string => bench.path(`wire-pull-${name}-${what}-${round}`);
  const child = (kind: 'layer' | 'plain', target: string, ...from: readonly string[]): ChildSample =>
    runChild(childArgv('pull', kind, target, saved.whole, file, ...from), { env: bench.env });
  const samples = interleave(
    { rounds: Math.min(bench.rounds, roundsOfEverything), warmUp: true },
    {
      pulled: (round) => {
        bench.settle();
        return child('layer', homeOf(placeOf('home', round)), url);
      },
      plain: (round) => {
        bench.settle();
        return child('plain', placeOf('plain', round), url);
      },
      local: (round) => {
        bench.settle();
        return child('layer', homeOf(placeOf('local', round)));
      },
      tar: (round) => {
        bench.settle();
        return shellSample(unpack, [archive, homeOf(placeOf('tar', round))], { env: bench.env });
      },
    },
  );
  return rowsOf({ volume: name, bytes: statSync(file).size }, samples);
}

function homeOf(dir: string): string {
  mkdirSync(dir);
  return dir;
}

interface PullSamples {
  readonly pulled: readonly ChildSample[];
  readonly plain: readonly ChildSample[];
  readonly local: readonly ChildSample[];
  readonly tar: readonly Sample[];
}

function rowsOf(
  { volume, bytes }: { readonly volume: string; readonly bytes: number },
  { pulled, plain, local, tar }: PullSamples,
): readonly Row[] {
  const peak = summarize(pulled.map(({ peakBytes }) => peakBytes / 1e6));
  return [
    {
      what: `pulled, ${rounded(bytes / 1e6)} MB`,
      volume,
      measured: milliseconds(summaryOf(pulled, 'ms')),
      peer: `the same bytes into a file ${milliseconds(summaryOf(plain, 'ms'))}`,
      ratio: timesFaster(summaryOf(plain, 'ms'), summaryOf(pulled, 'ms')),
      bar: atMostOfPeer(ofPlainGet, { own: pulled, peer: plain }),
    },
    { what: '- peak memory', volume, measured: `${rounded(peak.median)} MB`, bar: atMost(peakMegabytes, 'MB', peak) },
    {
      what: 'read from disk',
      volume,
      measured: milliseconds(summaryOf(local, 'ms')),
      peer: `zstd -d, tar -x ${milliseconds(summaryOf(tar, 'ms'))}`,
      ratio: timesFaster(summaryOf(tar, 'ms'), summaryOf(local, 'ms')),
    },
    {
      what: '- processor time',
      volume,
      measured: milliseconds(summaryOf(local, 'cpuMs')),
      peer: `zstd -d, tar -x ${milliseconds(summaryOf(tar, 'cpuMs'))}`,
      ratio: timesFaster(summaryOf(tar, 'cpuMs'), summaryOf(local, 'cpuMs')),
    },
  ];
}
