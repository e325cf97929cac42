import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { mountOf, type Bench } from '../bench.ts';
import type { CachelaneSample } from '../cachelane.ts';
import { interleave, summaryOf } from '../statistics.ts';
import { atMost, milliseconds, type Row } from '../table.ts';

/** The limits in milliseconds for an attach, by number of layers. */
const bars = [
  [1, 10],
  [8, 20],
  [16, 30],
] as const;

const rounds = 20;

/** Measures a pulled volume of so many layers, each from a run on another machine. */
export function attachRows(bench: Bench): readonly Row[] {
  return bars.map(([layers, limitMs]) => {
    const { volume, path } = mountOf(bench, `attach-${layers}`);
    const remote = bench.path(`images-attach-${layers}`);
    mkdirSync(remote);
    const run = (home: string, command: readonly string[], options: readonly string[]): CachelaneSample =>
      bench.run(volume, command, {
        env: { ...bench.env, CACHELANE_HOME: home },
        options: ['-n', 'bench/attach', ...options],
      });
    const shared = ['--remote', `dir:${remote}`, '--push', 'wait'];
    for (let i = 0; i < layers; i++)
      run(bench.path(`attach-there-${layers}`), ['sh', '-ec', 'echo "$1" > "$0/$1"', path, String(i)], shared);
    const here = bench.path(`attach-here-${layers}`);
    run(here, ['true'], shared);
    const { own } = interleave(
      { rounds, warmUp: true },
      {
        own: () => {
          const sample = run(here, ['true'], ['--no-remote']);
          if (sample.saved > 0) throw new Error('a run that changed nothing saved something');
          return sample;
        },
      },
    );
    const attach = summaryOf(own, 'attachMs');
    return {
      what: `${own[0]?.layers ?? 0} layers, ${imagesIn(here)} of them images`,
      volume: 'small files',
      measured: milliseconds(attach),
      bar: atMost(limitMs, 'ms', attach),
    };
  });
}

function imagesIn(home: string): number {
  const layers = join(home, 'layers');
  const isImage = (id: string): boolean =>
    (JSON.parse(readFileSync(join(layers, id, 'layer.json'), 'utf8')) as { form?: string }).form === 'image';
  return readdirSync(layers).filter(isImage).length;
}
