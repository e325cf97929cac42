import type { HistoryRecord, Tool } from '@cachelane/core';
import { describe, expect, test } from 'vitest';
import { indexedVolume, plainVolume, put, testEngine, type TestEngine } from '../testing/test-engine.fixture.ts';
import { compareSnapshots } from './compare.ts';

const { signal } = new AbortController();

async function history({ deps }: TestEngine): Promise<readonly HistoryRecord[]> {
  const [head] = await deps.metadata.listHeads(signal);
  if (head === undefined) throw new Error('there is no head');
  return (await deps.metadata.history(head.volumeId, head.lane, signal)).toReversed();
}

/** Lists changes: `+`, `~` or `-`, the path, and its size after the change (before it, if removed). */
async function difference(engine: TestEngine, name: string, from: number, to: number): Promise<readonly string[]> {
  const tool = engine.deps.tools.find((candidate) => candidate.name === name) as Tool;
  const moves = await history(engine);
  const state = (generation: number) => ({
    layers: moves.find((move) => move.generation === generation)?.layers ?? [],
    tool,
  });
  const found = await compareSnapshots(engine.deps.layers, { before: state(from), after: state(to) }, signal);
  return found.map(({ path, before, after }) => {
    const sign = before === null ? '+' : after === null ? '-' : '~';
    return `${sign} ${path} ${(after ?? before)?.sizeBytes}`;
  });
}

describe('two states of a volume', () => {
  test('differ by what a reader sees: index files are composed, not layers listed', async () => {
    const engine = testEngine();
    const add = async (name: string): Promise<void> => {
      await engine.run(([volume]) => {
        put(volume, `content/${name}`, name);
        const before = volume?.exists('index/all') === true ? Buffer.from(volume.read('index/all')).toString() : '';
        put(volume, 'index/all', `${before}${name}\n`);
      });
    };
    await add('a');
    await add('b');
    await add('c');
    // Each layer holds one line.
    expect(await difference(engine, 'indexed', 1, 3)).toEqual(['+ content/b 1', '+ content/c 1', '~ index/all 6']);
    expect(await difference(engine, 'indexed', 3, 1)).toEqual(['- content/b 1', '- content/c 1', '~ index/all 2']);
    expect(await difference(engine, 'indexed', 2, 2)).toEqual([]);
    expect(await difference(engine, 'indexed', 0, 1)).toEqual(['+ content/a 1', '+ index/all 2']);
  });

  test('differ by removals, and by directories where the tool stores directories exactly', async () => {
    const engine = testEngine();
    const volumes = [plainVolume];
    await engine.run(([volume]) => put(volume, 'd/f', 'one'), { volumes });
    await engine.run(
      ([volume]) =>
        volume?.run([
          { do: 'remove', path: 'd' },
          { do: 'mkdir', path: 'e' },
        ]),
      { volumes },
    );
    expect(await difference(engine, 'directory', 1, 2)).toEqual(['- d 0', '- d/f 3', '+ e 0']);
    expect(await difference(engine, 'directory', 2, 1)).toEqual(['+ d 0', '+ d/f 3', '- e 0']);
  });

  test('show a group by its members of one layer only', async () => {
    const engine = testEngine();
    const volumes = [indexedVolume];
    await engine.run(([volume]) => {
      put(volume, 'pair-1.db', '1');
      put(volume, 'pair-1.log', '1');
    });
    await engine.run(([volume]) => put(volume, 'content/x', 'x'), { volumes });
    expect(await difference(engine, 'indexed', 1, 2)).toEqual(['+ content/x 1']);
  });

  test('are compared without writing to the store', async () => {
    const engine = testEngine();
    for (const name of ['a', 'b']) await engine.run(([volume]) => put(volume, 'index/all', `${name}\n`));
    const before = await engine.deps.layers.listDerived(signal);
    await difference(engine, 'indexed', 1, 2);
    expect(await engine.deps.layers.listDerived(signal)).toEqual(before);
  });
});
