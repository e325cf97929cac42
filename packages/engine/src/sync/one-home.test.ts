import { parseNamespace, type Remote } from '@cachelane/core';
import { memoryRemote, noAbort, type MemoryRemoteState } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { look, testContext, testEngine, testHome, type TestEngine } from '../testing/test-engine.fixture.ts';
import { installOn, machines } from './machines.fixture.ts';
import { findPending, pushPending } from './push/push-pending.ts';

/** Processes of one machine; `process(null)` has no remote. */
function oneMachine(state: MemoryRemoteState): { readonly process: (remote?: Remote | null) => TestEngine } {
  const home = testHome();
  let count = 0;
  return { process: (remote = memoryRemote(state)) => testEngine({ seed: `one ${++count} `, home, remote }) };
}

/** Like a background push. */
async function pushAll({ deps }: TestEngine, remote: Remote): Promise<void> {
  for (const head of await findPending({ ...deps, remote }, noAbort)) {
    expect(await pushPending({ ...deps, remote }, head, noAbort)).toMatchObject({ kind: 'sent' });
  }
}

async function linesHere({ process }: ReturnType<typeof oneMachine>): Promise<string | undefined> {
  return (await look(process(null)))['index/bucket'];
}

describe('processes of one home', () => {
  test('lose nothing if one pushes while another pulls with an older manifest', async () => {
    const { state, machine } = machines();
    const here = oneMachine(state);
    const ben = machine();
    await installOn(here.process(), 'a');
    await installOn(ben, 'b');
    const plain = memoryRemote(state);
    let isMet = false;
    const objects: Remote['objects'] = {
      ...plain.objects,
      async get(...call) {
        if (!isMet) {
          isMet = true;
          await installOn(here.process(), 'c');
        }
        return await plain.objects.get(...call);
      },
    };
    await here.process({ ...plain, objects }).run(() => undefined);
    expect(isMet).toBe(true);
    expect(await linesHere(here)).toBe('a\nb\nc\n');
  });

  test('lose nothing if one pushes while another pushes', async () => {
    const { state } = machines();
    const here = oneMachine(state);
    await installOn(here.process(), 'a');
    await installOn(here.process(), 'b', { request: { push: 'never' } });
    const plain = memoryRemote(state);
    let isMet = false;
    const heads: Remote['heads'] = {
      ...plain.heads,
      async read(key, signal) {
        const before = await plain.heads.read(key, signal);
        if (key.startsWith('heads/') && !isMet) {
          isMet = true;
          await installOn(here.process(), 'c');
        }
        return before;
      },
    };
    await pushAll(here.process(), { ...plain, heads });
    expect(isMet).toBe(true);
    expect(await linesHere(here)).toBe('a\nb\nc\n');
  });

  test('use one remote head after a rename, even if a checkout has the old name', async () => {
    const { state } = machines();
    const here = oneMachine(state);
    const remote = memoryRemote(state);
    await installOn(here.process(), 'a');
    const [old, now] = ['github.com/acme/web', 'github.com/acme/renamed'].map((name) => parseNamespace(name));
    if (old === undefined || now === undefined) expect.fail('no names');
    await here.process().deps.metadata.aliasNamespace(old, now, noAbort);
    await installOn(here.process(), 'b', { request: { push: 'background' } });
    await pushAll(here.process(), remote);
    await here.process().run(() => undefined);
    expect(await linesHere(here)).toBe('a\nb\n');
    const elsewhere = { request: { context: testContext('t1:local', now) } };
    expect((await look(oneMachine(state).process(), elsewhere))['index/bucket']).toBe('a\nb\n');
  });
});
