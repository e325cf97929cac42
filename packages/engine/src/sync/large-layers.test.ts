import { CachelaneError, dataKey, digestOf, limits, type RemoteKey } from '@cachelane/core';
import { memoryRemote, noAbort, type RemoteFault } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { look, put, testEngine, testHome, type TestEngine } from '../testing/test-engine.fixture.ts';
import { lenient, machines, warnings, type Machines } from './machines.fixture.ts';

const sizeBytes = limits.resumableBytes + 1_000_000;
const content = 'x'.repeat(sizeBytes);

async function saveLarge({ machine }: Machines): Promise<void> {
  await machine().run(([volume]) => put(volume, 'content/large', content));
}

async function read(engine: TestEngine): Promise<boolean> {
  return (await look(engine, lenient))['content/large'] === content;
}

const pulledBytes = ({ events }: TestEngine): readonly number[] =>
  events.flatMap((event) => (event.type === 'synced' ? [event.report.pulledBytes] : []));

/** The first download of content breaks off. */
function breaking(afterBytes: number): () => RemoteFault | undefined {
  let gets = 0;
  return ({ operation }: { readonly operation: string } = { operation: '' }) =>
    operation === 'get' && ++gets === 2 ? { afterBytes } : undefined;
}

describe('a large layer', () => {
  test('that broke off is continued by the next run', async () => {
    const world = machines();
    await saveLarge(world);
    const ben = world.machine(breaking(6_000_000));
    expect(await read(ben)).toBe(false);
    expect(warnings(ben)).toEqual(['the run continues with local contents: memory:: simulated: it broke off']);
    expect(await read(ben)).toBe(true);
    const [first = 0, second = 0] = pulledBytes(ben);
    expect(first).toBeGreaterThanOrEqual(6_000_000);
    expect(second).toBeLessThan(sizeBytes - 5_900_000);
  });

  test('with a wrong partial download is downloaded again', async () => {
    const world = machines();
    await saveLarge(world);
    const ben = world.machine();
    const key = [...world.state.objects.keys()].find((each) => each.startsWith('data/')) as RemoteKey;
    const { digest } = world.state.objects.get(key) ?? expect.fail('no content');
    expect(key).toBe(dataKey(digest ?? digestOf('')));
    for (const junk of ['y'.repeat(3_000_000), 'y'.repeat(sizeBytes + 5_000_000)]) {
      const partial = await ben.deps.transfers.resume(digest ?? digestOf(''), new AbortController().signal);
      await partial.append(new TextEncoder().encode(junk));
      await partial[Symbol.asyncDispose]();
    }
    expect(await read(ben)).toBe(true);
    expect(warnings(ben)).toEqual([]);
  });

  test('without space leaves nothing behind', async () => {
    const world = machines();
    await saveLarge(world);
    const home = testHome();
    const full = testEngine({
      home,
      remote: memoryRemote(world.state),
      wrap: (deps) => ({
        ...deps,
        layers: {
          ...deps.layers,
          async unpack({ data }) {
            for await (const _ of data) break;
            throw new CachelaneError('E_DISK_FULL', 'no space is left');
          },
        },
      }),
    });
    expect(await read(full)).toBe(false);
    expect(warnings(full)).toEqual(['the run continues with local contents: no space is left']);
    const [object] = [...world.state.objects].flatMap(([key, each]) => (key.startsWith('data/') ? [each] : []));
    await using partial = await full.deps.transfers.resume(object?.digest ?? expect.fail('no content'), noAbort);
    expect(partial.haveBytes).toBe(0);
  });
});
