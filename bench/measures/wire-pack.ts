import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench } from '../bench.ts';
import { childArgv, runChild, shellSample, type ChildSample } from '../children.ts';
import { textOf, timed } from '../processes.ts';
import { pack, packAndHash, readAll } from '../shell-peers.ts';
import { interleave, summarize, summaryOf, type Sample } from '../statistics.ts';
import { atLeastTimes, atMost, atMostOfPeer, milliseconds, rounded, timesFaster, type Row } from '../table.ts';
import type { ChangedWireCorpus, WireCorpus } from './wire-corpus.ts';

const launcher = join(import.meta.dirname, '../../cachelane');

/** The limits, as shares of a peer's time. */
const ofHashing = 1;
const ofPlain = 1.2;
const ofBytes = 1.15;
const ofBytesChanged = 0.02;
const peakMegabytes = 300;
const timesFasterChanged = 20;

interface Packed extends Sample, ChildSample {
  readonly bytes: number;
}

/** Writes one layer's wire form to a file. Returns its locations, `file` and `file.index`. */
export function packLayer(bench: Bench, { home }: WireCorpus, { id, file }: { id: string; file: string }): Packed {
  const sample = runChild(childArgv('pack', home, id, file), { env: bench.env });
  return { ...sample, bytes: statSync(file).size + statSync(`${file}.index`).size };
}

function packWithTar(bench: Bench, { corpus }: WireCorpus, { script, file }: { script: string; file: string }) {
  const sample = shellSample(script, [corpus.filesDir, file], { env: bench.env });
  return { ...sample, bytes: statSync(file).size };
}

/** Measures the first layer, which contains everything. */
export function wholeRows(bench: Bench, saved: WireCorpus): readonly Row[] {
  const { corpus, home, whole } = saved;
  const fileOf = (what: string, round: number): string => bench.path(`wire-${corpus.name}-${what}-${round}`);
  textOf(['sh', '-c', readAll], { cwd: corpus.filesDir });
  textOf(['sh', '-c', readAll], { cwd: join(home, 'layers', whole) });
  const samples = interleave(
    { rounds: bench.rounds, warmUp: true },
    {
      own: (round) => {
        bench.settle();
        return packLayer(bench, saved, { id: whole, file: fileOf('own', round) });
      },
      hashing: (round) => {
        bench.settle();
        return packWithTar(bench, saved, { script: packAndHash, file: fileOf('hashing', round) });
      },
      plain: (round) => {
        bench.settle();
        return packWithTar(bench, saved, { script: pack, file: fileOf('plain', round) });
      },
      cli: (round) => {
        bench.settle();
        const argv = [launcher, 'export', '-o', fileOf('export', round), corpus.name];
        return { ms: timed(argv, { cwd: bench.workDir, env: { ...bench.env, CACHELANE_HOME: home } }) };
      },
    },
  );
  return rowsOfWhole(corpus.name, samples);
}

interface WholeSamples {
  readonly own: readonly Packed[];
  readonly hashing: readonly Sample[];
  readonly plain: readonly Sample[];
  readonly cli: readonly Sample[];
}

function rowsOfWhole(volume: string, { own, hashing, plain, cli }: WholeSamples): readonly Row[] {
  const against = (what: string, mine: readonly Sample[]): readonly Row[] =>
    (
      [
        ['tar, zstd -3, sha256sum', hashing, ofHashing],
        ['tar, zstd -3', plain, ofPlain],
      ] as const
    ).map(([name, peer, limit]) => ({
      what,
      volume,
      measured: milliseconds(summaryOf(mine, 'ms')),
      peer: `${name} ${milliseconds(summaryOf(peer, 'ms'))}`,
      ratio: timesFaster(summaryOf(peer, 'ms'), summaryOf(mine, 'ms')),
      bar: atMostOfPeer(limit, { own: mine, peer }),
    }));
  const peak = summarize(own.map(({ peakBytes }) => peakBytes / 1e6));
  return [
    ...against('pack, a process of its own', own),
    ...against('`cachelane export`', cli),
    {
      what: '- processor time of the pack',
      volume,
      measured: milliseconds(summaryOf(own, 'cpuMs')),
      peer: `tar, zstd -3, sha256sum ${milliseconds(summaryOf(hashing, 'cpuMs'))}`,
      ratio: timesFaster(summaryOf(hashing, 'cpuMs'), summaryOf(own, 'cpuMs')),
    },
    {
      what: '- size with its index',
      volume,
      measured: megabytes(own),
      peer: `tar.zst ${megabytes(plain)}`,
      bar: atMostOfPeer(ofBytes, { own, peer: plain, metric: 'bytes' }),
    },
    { what: '- peak memory', volume, measured: `${rounded(peak.median)} MB`, bar: atMost(peakMegabytes, 'MB', peak) },
  ];
}

/** Measures a layer of one per cent, which is all that is sent. The peer packs everything. */
export function changedRows(bench: Bench, saved: ChangedWireCorpus): readonly Row[] {
  const { corpus, changed, changes } = saved;
  const fileOf = (what: string, round: number): string => bench.path(`wire-changed-${corpus.name}-${what}-${round}`);
  const { own, plain } = interleave(
    { rounds: bench.rounds, warmUp: true },
    {
      own: (round) => {
        bench.settle();
        return packLayer(bench, saved, { id: changed, file: fileOf('own', round) });
      },
      plain: (round) => {
        bench.settle();
        return packWithTar(bench, saved, { script: pack, file: fileOf('plain', round) });
      },
    },
  );
  const volume = corpus.name;
  const peerTook = summaryOf(plain, 'ms');
  const peer = `tar, zstd -3 of everything ${milliseconds(peerTook)}`;
  const [work, whole] = [summaryOf(own, 'workMs'), summaryOf(own, 'ms')];
  return [
    {
      what: `pack, ${changes.files} files, ${rounded(changes.bytes / 1e6)} MB`,
      volume,
      measured: milliseconds(work),
      peer,
      ratio: timesFaster(peerTook, work),
      bar: atLeastTimes(timesFasterChanged, peerTook, work),
    },
    {
      what: '- with the start of Node',
      volume,
      measured: milliseconds(whole),
      peer,
      ratio: timesFaster(peerTook, whole),
    },
    {
      what: '- size with its index',
      volume,
      measured: megabytes(own),
      peer: `tar.zst ${megabytes(plain)}`,
      bar: atMostOfPeer(ofBytesChanged, { own, peer: plain, metric: 'bytes' }),
    },
  ];
}

function megabytes(samples: readonly Sample[]): string {
  return `${rounded(summaryOf(samples, 'bytes').median / 1e6)} MB`;
}
