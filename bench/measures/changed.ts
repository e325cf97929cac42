import { existsSync } from 'node:fs';
import { hostCopy, mountOf, type Bench } from '../bench.ts';
import { makeChanges } from '../corpora/changes.ts';
import type { Corpus } from '../corpora/corpus.ts';
import { hasCommand, textOf, timed } from '../processes.ts';
import { differenceOf, interleave, summaryOf } from '../statistics.ts';
import { atLeastTimes, milliseconds, rounded, timesFaster, type Row, type Section } from '../table.ts';

const timesFasterThanTar = 20;

/** Measures a run that changes one file in a hundred. Needs the corpora saved as volumes. */
export function measureChanged(bench: Bench): Section {
  return {
    title: 'A run that changes 1 % of the files',
    rows: bench.corpora.flatMap((corpus) => rowsOf(bench, corpus)),
  };
}

function rowsOf(bench: Bench, corpus: Corpus): readonly Row[] {
  bench.say(`1 % changed: ${corpus.name}`);
  const { env } = bench;
  const { volume, path } = mountOf(bench, corpus.name);
  const hostDir = hostCopy(bench, corpus);
  const changesOf = (round: number): string => bench.path(`changes-${corpus.name}-${round}`);
  const made = Array.from({ length: bench.rounds + 2 }, (_, round) =>
    makeChanges(corpus, `round${round}`, changesOf(round)),
  );
  const { files = 0, bytes = 0 } = made.at(-1) ?? {};
  const repository = ['restic', '--quiet', '-r', bench.path(`restic-changed-${corpus.name}`)];
  const withRestic = hasCommand('restic');
  if (withRestic) textOf([...repository, 'init'], { env });
  const { own, bare, tar, restic } = interleave(
    { rounds: bench.rounds, warmUp: true },
    {
      own: (round) => {
        bench.settle();
        const sample = bench.run(volume, ['cp', '-R', `${changesOf(round)}/.`, path]);
        if (sample.saved < files) throw new Error(`${corpus.name}: ${sample.saved} of ${files} changes were saved`);
        return sample;
      },
      bare: (round) => {
        bench.settle();
        return { ms: timed(['cp', '-R', `${changesOf(round)}/.`, hostDir], { env }) };
      },
      tar: () => {
        bench.settle();
        const archive = bench.path(`changed-${corpus.name}.tar.zst`);
        if (existsSync(archive)) bench.directory.discard(archive);
        return { ms: timed(['sh', '-c', 'tar -C "$0" -cf - . | zstd -q -T0 -3 -o "$1"', hostDir, archive], { env }) };
      },
      restic: () => {
        bench.settle();
        return { ms: withRestic ? timed([...repository, 'backup', hostDir], { env }) : Number.NaN };
      },
    },
  );
  const { peakBytes } = bench.runForMemory(volume, ['cp', '-R', `${changesOf(bench.rounds + 1)}/.`, path]);
  const save = summaryOf(own, 'saveMs');
  const added = differenceOf(own, bare);
  const tarTook = summaryOf(tar, 'ms');
  const common = { volume: corpus.name };
  const resticRow = (): Row => {
    const took = summaryOf(restic, 'ms');
    return {
      ...common,
      what: 'save',
      measured: milliseconds(save),
      peer: `restic backup ${milliseconds(took)}`,
      ratio: timesFaster(took, save),
    };
  };
  return [
    {
      ...common,
      what: `save, ${files} files, ${rounded(bytes / 1e6)} MB`,
      measured: milliseconds(save),
      peer: `tar, zstd -3 ${milliseconds(tarTook)}`,
      ratio: timesFaster(tarTook, save),
      bar: atLeastTimes(timesFasterThanTar, tarTook, save),
    },
    ...(withRestic ? [resticRow()] : []),
    {
      ...common,
      what: 'whole run, over the bare command',
      measured: milliseconds(added),
      peer: `tar, zstd -3 ${milliseconds(tarTook)}`,
      ratio: timesFaster(tarTook, added),
    },
    { ...common, what: 'peak memory', measured: `${rounded(peakBytes / 1e6)} MB` },
  ];
}
