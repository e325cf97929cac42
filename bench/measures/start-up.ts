import { join } from 'node:path';
import { mountOf, type Bench } from '../bench.ts';
import { timed } from '../processes.ts';
import { differenceOf, interleave, summaryOf, type Rounds, type Sample } from '../statistics.ts';
import { atMost, milliseconds, type Row, type Section } from '../table.ts';

const overBareMs = 75;
const attachMs = 20;
const unchangedMs = 20;

/** Times of short processes vary, so they get four times the rounds. This takes seconds. */
const moreRounds = 4;

const nodePath = join(import.meta.dirname, '../../node_modules/node/bin/node');

interface RunSample extends Sample {
  readonly ms: number;
  readonly attachMs: number;
  readonly saveMs: number;
}

/** Measures `run -- true`, a run that changes nothing. Needs the corpora saved as volumes. */
export function measureStartUp(bench: Bench): Section {
  bench.say('start-up: run -- true');
  const { env, workDir: cwd } = bench;
  const volumes = ['empty', ...bench.corpora.map(({ name }) => name)];
  const alone = (argv: readonly string[]) => () => ({ ms: timed(argv, { env, cwd }) });
  const often: Rounds = { rounds: bench.rounds * moreRounds, warmUp: true };
  const floor = interleave(often, {
    bare: alone(['true']),
    node: alone([nodePath, '-e', '0']),
    bwrap: alone(['bwrap', '--dev-bind', '/', '/', '--', 'true']),
  });
  const samples = interleave<Record<string, RunSample>>(often, {
    bare: () => ({ ...alone(['true'])(), attachMs: 0, saveMs: 0 }),
    ...Object.fromEntries(volumes.map((name) => [name, () => bench.run(mountOf(bench, name).volume, ['true'])])),
  });
  const of = (name: string): readonly RunSample[] => samples[name] ?? [];
  const whole = volumes.map((volume): Row => {
    const added = differenceOf(of(volume), of('bare'));
    return {
      what: 'whole run, over the bare command',
      volume,
      measured: milliseconds(added),
      bar: atMost(overBareMs, 'ms', added),
    };
  });
  const attach = volumes.map((volume): Row => {
    const took = summaryOf(of(volume), 'attachMs');
    return { what: 'attach', volume, measured: milliseconds(took), bar: atMost(attachMs, 'ms', took) };
  });
  const save = volumes.map((volume): Row => {
    const took = summaryOf(of(volume), 'saveMs');
    return {
      what: 'end of a run that changed nothing',
      volume,
      measured: milliseconds(took),
      bar: atMost(unchangedMs, 'ms', took),
    };
  });
  const floorRows = [
    { what: 'the bare command alone', took: summaryOf(floor.bare, 'ms') },
    { what: 'floor: Node that does nothing', took: differenceOf(floor.node, floor.bare) },
    { what: 'floor: bubblewrap that does nothing', took: differenceOf(floor.bwrap, floor.bare) },
  ].map(({ what, took }): Row => ({ what, volume: '', measured: milliseconds(took) }));
  return { title: 'A run that changes nothing: `run -- true`', rows: [...whole, ...floorRows, ...attach, ...save] };
}
