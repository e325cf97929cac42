import { memoryRemote, noAbort } from '@cachelane/testkit';
import { expect, test } from 'vitest';
import { testEngine } from '../../testing/test-engine.fixture.ts';
import { installOn } from '../machines.fixture.ts';
import { sendLayer } from './push-layer.ts';

test('bytes that a retry sends again count once', async () => {
  const engine = testEngine();
  await installOn(engine, 'a');
  const [head] = await engine.deps.metadata.listHeads(noAbort);
  const id = head?.layers[0] ?? expect.fail('nothing was saved');
  const remote = memoryRemote();
  const retrying = {
    ...remote,
    objects: {
      ...remote.objects,
      put: async (...[key, source, signal]: Parameters<typeof remote.objects.put>) => {
        for await (const _ of source.read()) break;
        return await remote.objects.put(key, source, signal);
      },
    },
  };
  const counts: number[] = [];
  const onBytes = (count: number): void => void counts.push(count);
  const sent = await sendLayer({ ...engine.deps, remote: retrying }, { id, marked: new Set(), onBytes }, noAbort);
  expect(counts.some((count) => count < 0)).toBe(true);
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(sent.bytes);
  expect(sent.bytes).toBeGreaterThan(0);
});
