import { mkdirSync } from 'node:fs';
import { mountOf, type Bench } from '../bench.ts';
import type { Corpus } from '../corpora/corpus.ts';
import { hasCommand, textOf, timed } from '../processes.ts';
import { pack, packAndHash, readAll, unpack } from '../shell-peers.ts';
import { differenceOf, interleave, summarize } from '../statistics.ts';
import { atMost, milliseconds, rounded, timesFaster, type Row, type Section } from '../table.ts';

const peakMegabytes = 300;

const memoryTitle = 'Memory of the process';

/** Each round writes every corpus six times over, and deleting in between would slow down what follows. */
const roundsOfEverything = 3;

/** Measures saving and restoring everything. Leaves every corpus saved as a volume of its own name. */
export function measureWhole(bench: Bench): readonly Section[] {
  const measured = bench.corpora.map((corpus) => measureCorpus(bench, corpus));
  return [
    { title: 'The first save of everything', rows: measured.flatMap(({ save }) => save) },
    { title: 'Restoring everything', rows: measured.flatMap(({ restore }) => restore) },
    { title: memoryTitle, rows: measured.flatMap(({ memory }) => memory) },
  ];
}

/** Saves every corpus once, as a volume of its own name, and measures only memory. */
export function measureMemory(bench: Bench): Section {
  const rows = bench.corpora.flatMap(({ name, filesDir }) => {
    bench.say(`saved once: ${name}`);
    const { path, volume } = mountOf(bench, name);
    const saving = bench.runForMemory(volume, ['cp', '-a', `${filesDir}/.`, path]);
    return memoryRows(name, [saving], [bench.runForMemory(volume, ['true'])]);
  });
  return { title: memoryTitle, rows };
}

interface CorpusRows {
  readonly save: readonly Row[];
  readonly restore: readonly Row[];
  readonly memory: readonly Row[];
}

function measureCorpus(bench: Bench, corpus: Corpus): CorpusRows {
  bench.say(`everything saved and restored: ${corpus.name}`);
  const { env } = bench;
  const { name, filesDir } = corpus;
  const { path, volume } = mountOf(bench, name);
  const withRestic = hasCommand('restic');
  const place = (what: string, round: number): string => bench.path(`whole-${name}-${what}-${round}`);
  const settled =
    <S>(contender: (round: number) => S) =>
    (round: number): S => {
      bench.settle();
      return contender(round);
    };
  const shell = (script: string, ...args: readonly string[]) => ({ ms: timed(['sh', '-c', script, ...args], { env }) });
  const restic = (round: number, ...args: readonly string[]) => [
    'restic',
    '--quiet',
    '-r',
    place('restic', round),
    ...args,
  ];
  // Each round has its own store. The last one stays for the other measurements.
  const storeOf = (round: number): string =>
    round === roundsOfEverything - 1 ? bench.storeDir : place('store', round);

  textOf(['sh', '-c', `cd "$0" && ${readAll}`, filesDir]);
  const saves = interleave(
    { rounds: roundsOfEverything, warmUp: false },
    {
      own: settled((round) => bench.runForMemory(volume, ['cp', '-a', `${filesDir}/.`, path], storeOf(round))),
      bare: settled((round) => ({ ms: timed(['cp', '-a', filesDir, place('copy', round)], { env }) })),
      tar: settled((round) => shell(pack, filesDir, `${place('tar', round)}.tar.zst`)),
      hashed: settled((round) => shell(packAndHash, filesDir, `${place('hashed', round)}.tar.zst`)),
      restic: settled((round) => {
        if (!withRestic) return { ms: Number.NaN };
        textOf(restic(round, 'init'), { env });
        return { ms: timed(restic(round, 'backup', filesDir), { env }) };
      }),
    },
  );
  const archive = `${place('tar', 0)}.tar.zst`;
  const restores = interleave(
    { rounds: roundsOfEverything, warmUp: false },
    {
      own: settled(() => bench.run(volume, ['true'])),
      ownMemory: () => bench.runForMemory(volume, ['true']),
      ownRead: settled(() => bench.run(volume, ['sh', '-c', `cd "$0" && ${readAll}`, path])),
      tar: settled((round) => {
        const target = place('tar-back', round);
        mkdirSync(target);
        const { ms } = shell(unpack, archive, target);
        return { ms, readMs: ms + shell(`cd "$0" && ${readAll}`, target).ms };
      }),
      restic: settled((round) => ({
        ms: withRestic
          ? timed(restic(0, 'restore', 'latest', '--target', place('restic-back', round)), { env })
          : Number.NaN,
      })),
    },
  );
  return {
    save: saveRows(name, saves),
    restore: restoreRows(name, restores),
    memory: memoryRows(name, saves.own, restores.ownMemory),
  };
}

type Times = readonly { readonly ms: number }[];

interface Saves {
  readonly own: readonly { readonly ms: number; readonly saveMs: number }[];
  readonly bare: Times;
  readonly tar: Times;
  readonly hashed: Times;
  readonly restic: Times;
}

function saveRows(volume: string, { own, bare, tar, hashed, restic }: Saves): readonly Row[] {
  const save = summarize(own.map(({ saveMs }) => saveMs));
  const against = (name: string, times: Times): readonly Row[] => {
    const took = summarize(times.map(({ ms }) => ms));
    if (Number.isNaN(took.median)) return [];
    return [
      {
        what: 'save',
        volume,
        measured: milliseconds(save),
        peer: `${name} ${milliseconds(took)}`,
        ratio: timesFaster(took, save),
      },
    ];
  };
  return [
    ...against('tar, zstd -3', tar),
    ...against('tar, zstd -3, sha256sum', hashed),
    ...against('restic backup', restic),
    { what: 'whole run, over the bare `cp`', volume, measured: milliseconds(differenceOf(own, bare)) },
  ];
}

interface Restores {
  readonly own: readonly { readonly ms: number; readonly attachMs: number }[];
  readonly ownRead: Times;
  readonly tar: readonly { readonly ms: number; readonly readMs: number }[];
  readonly restic: Times;
}

function restoreRows(volume: string, { own, ownRead, tar, restic }: Restores): readonly Row[] {
  const whole = summarize(own.map(({ ms }) => ms));
  const tarTook = summarize(tar.map(({ ms }) => ms));
  const resticTook = summarize(restic.map(({ ms }) => ms));
  const read = summarize(ownRead.map(({ ms }) => ms));
  const tarRead = summarize(tar.map(({ readMs }) => readMs));
  const row = (what: string, mine: typeof whole, peer: string, took: typeof whole): readonly Row[] =>
    Number.isNaN(took.median)
      ? []
      : [
          {
            what,
            volume,
            measured: milliseconds(mine),
            peer: `${peer} ${milliseconds(took)}`,
            ratio: timesFaster(took, mine),
          },
        ];
  return [
    ...row('whole run of `true`', whole, 'zstd -d, tar -x', tarTook),
    ...row('whole run of `true`', whole, 'restic restore', resticTook),
    ...row('and every file read once', read, 'zstd -d, tar -x', tarRead),
  ];
}

type Peaks = readonly { readonly peakBytes: number }[];

function memoryRows(volume: string, saving: Peaks, attaching: Peaks): readonly Row[] {
  const row = (what: string, peaks: Peaks): Row => {
    const peak = summarize(peaks.map(({ peakBytes }) => peakBytes / 1e6));
    return { what, volume, measured: `${rounded(peak.median)} MB`, bar: atMost(peakMegabytes, 'MB', peak) };
  };
  return [row('peak, first save of everything', saving), row('peak, run that changes nothing', attaching)];
}
