import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf, encodeIndex, type BytePath, type Entry, type LayerId } from '@cachelane/core';
import { readBundle, writeBundle } from '@cachelane/store';
import { requireCommands, tarArchive, type TarMember } from '@cachelane/testkit';
import { expect, test } from 'vitest';
import { openWorld, type Finished, type World } from '../cli.fixture.ts';
import { headsIn, until } from './store.fixture.ts';

const noAbort = new AbortController().signal;

interface Measured extends Finished {
  readonly peakBytes: number;
}

/** Runs the CLI and returns its peak memory, measured by the kernel. */
async function measured(world: World, argv: readonly string[]): Promise<Measured> {
  const { child, finished } = world.start(argv);
  let peakBytes = 0;
  await until(() => {
    try {
      const kilobytes = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1];
      peakBytes = Math.max(peakBytes, Number(kilobytes ?? 0) * 1024);
    } catch {
      // The process has ended.
    }
    return child.exitCode !== null || child.signalCode !== null;
  });
  return { ...(await finished), peakBytes };
}

/** Returns empty files in directories of a thousand. */
function* entries(count: number): Generator<Entry> {
  const about = {
    mode: 0o755,
    mtimeNs: 0n,
    sizeBytes: 0,
    origins: [],
    mergeClass: 'D',
    group: null,
    form: 'whole',
    removed: null,
  } as const;
  const digest = digestOf(new Uint8Array());
  for (let i = 0; i < count; i++) {
    const holder = `d${String(Math.floor(i / 1000)).padStart(4, '0')}`;
    if (i % 1000 === 0) yield { ...about, path: holder as BytePath, type: 'dir', digest: null };
    else yield { ...about, path: `${holder}/f${String(i).padStart(7, '0')}` as BytePath, type: 'file', digest };
  }
}

function* seedMembers(count: number): Generator<TarMember> {
  for (const { path, type } of entries(count)) {
    yield { name: `seed/${path}`, type: type === 'dir' ? '5' : '0', mode: 0o755 };
  }
}

/** Returns the volume's own export with its layer replaced. */
async function exportWith(world: World, index: Uint8Array): Promise<string> {
  const file = join(world.dir, 'export');
  expect(await world.cachelane(['export', 'data', '-o', file])).toMatchObject({ code: 0 });
  const id = digestOf(index) as LayerId;
  const manifest: unknown = { ...(await manifestOf(file)), layers: [id] };
  const parts = [
    ['cachelane-export.json', Buffer.from(JSON.stringify(manifest))],
    [`layers/${id}/index`, index],
    [`layers/${id}/data.tar.zst`, Buffer.from('nobody looks at it')],
  ] as const;
  const source = async function* (): AsyncGenerator<{ name: string; data: AsyncIterable<Uint8Array> }> {
    for (const [name, bytes] of parts) yield { name, data: chunks(bytes) };
    await Promise.resolve();
  };
  await writeBundle(file, source(), noAbort);
  return file;
}

async function manifestOf(file: string): Promise<object> {
  for await (const { data } of readBundle(file)) {
    let text = '';
    for await (const chunk of data) text += Buffer.from(chunk).toString();
    return JSON.parse(text) as object;
  }
  throw new Error('the export has no layer');
}

async function* chunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  await Promise.resolve();
  yield bytes;
}

requireCommands('bwrap', 'flock')('large imports', () => {
  test('a layer of a million entries is refused before any entry is read', async () => {
    using world = openWorld();
    await world.run(['sh', '-c', 'echo mine > data/mine'], { options: ['-v', 'data:data', '--strict'] });
    const before = await headsIn(world);
    const file = await exportWith(world, encodeIndex(entries(1_000_000)));
    const { code, stderr, peakBytes } = await measured(world, ['import', file, '--as', 'data:data']);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining(
        'cachelane: the layer is refused: it has 1000000 entries; the limit is 999999\n',
      ) as unknown,
    });
    // Reading the index once, plus Node's own memory.
    expect(peakBytes).toBeLessThan(600_000_000);
    expect(await headsIn(world)).toEqual(before);
  });

  test('an archive of twenty thousand entries is imported, exported and imported again with little memory', async () => {
    using world = openWorld();
    const seed = join(world.dir, 'seed.tar');
    writeFileSync(seed, tarArchive(seedMembers(20_000)));
    const imported = await measured(world, ['import', seed, '--as', 'data:data']);
    expect(imported).toMatchObject({ code: 0 });
    expect(imported.stdout).toContain('20000 added');
    const file = join(world.dir, 'export');
    const exported = await measured(world, ['export', 'data', '-o', file]);
    expect(exported).toMatchObject({ code: 0 });
    await world.cachelane(['rm', 'data']);
    const again = await measured(world, ['import', file, '--as', 'data:data']);
    expect(again).toMatchObject({ code: 0 });
    const seen = await world.run(['sh', '-c', 'find data -mindepth 1 | wc -l'], {
      options: ['-v', 'data:data', '--strict'],
    });
    expect(seen.stdout.trim()).toBe('20000');
    for (const { peakBytes } of [imported, exported, again]) expect(peakBytes).toBeLessThan(300_000_000);
  });
});
