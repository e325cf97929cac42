import { memoryRemote, noAbort } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { indexedVolume, install, look, plainVolume, put, testContext } from '../testing/test-engine.fixture.ts';
import { installOn, lenient, machines, onlyHead, warnings } from './machines.fixture.ts';
import { findPending } from './push/push-pending.ts';

describe('machines that share a remote', () => {
  test('one machine finds the saves of the other', async () => {
    const { machine } = machines();
    const [ann, ben] = [machine(), machine()];
    const first = await installOn(ann, 'a');
    expect(first.report.volumes[0]?.sync).toMatchObject({
      pulledLayers: 0,
      pushedLayers: 1,
      pushed: 'sent',
      why: null,
    });
    const second = await installOn(ben, 'b');
    expect(second.report.volumes[0]).toMatchObject({
      hits: [{ lane: 't1:local', layers: 1 }],
      sync: { pulledLayers: 1, pushedLayers: 1, pushed: 'sent' },
    });
    const seen = await look(ann);
    expect(seen['index/bucket']).toBe('a\nb\n');
    expect(seen['content/b']).toBe('bytes of b');
    expect(await onlyHead(ann)).toEqual(await onlyHead(ben));
  });

  test('present layers are not transferred again', async () => {
    const { machine } = machines();
    const [ann, ben] = [machine(), machine()];
    await installOn(ann, 'a');
    await installOn(ben, 'b');
    await installOn(ann, 'c');
    const again = await ann.run(() => undefined);
    expect(again.report.volumes[0]?.sync).toMatchObject({
      pulledLayers: 0,
      pulledBytes: 0,
      pushedLayers: 0,
      pushedBytes: 0,
      pushed: 'none',
    });
    expect(again.report.volumes[0]?.restoredBytes).toBeGreaterThan(0);
    const third = await ben.run(() => undefined);
    expect(third.report.volumes[0]?.sync).toMatchObject({ pulledLayers: 1, pushed: 'none' });
  });

  test('concurrent runs on several machines lose nothing', async () => {
    const { machine } = machines();
    const all = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => ({ name, engine: machine() }));
    await Promise.all(all.map(async ({ name, engine }) => await installOn(engine, name)));
    const seen = await look(machine());
    expect(seen['index/bucket']).toBe('a\nb\nc\nd\ne\nf\n');
    for (const { name } of all) expect(seen[`content/${name}`]).toBe(`bytes of ${name}`);
  });

  test('a lane reads the lanes of its chain from the remote, and writes only its own', async () => {
    const { machine, state } = machines();
    const main = { request: { context: testContext('t1:ref:main') } };
    await installOn(machine(), 'of-main', main);
    const pr = { request: { context: testContext('t1:pr:12', 'github.com/acme/web', ['t1:ref:main']) } };
    const engine = machine();
    const run = await installOn(engine, 'of-pr', pr);
    expect(run.report.volumes[0]?.hits).toMatchObject([{ lane: 't1:ref:main', layers: 1 }]);
    expect(await look(machine(), main)).toMatchObject({ 'index/bucket': 'of-main\n' });
    expect(await look(machine(), pr)).toMatchObject({ 'index/bucket': 'of-main\nof-pr\n' });
    // Two heads, the remote's id, and the leftover of its check.
    expect(state.heads.size).toBe(4);
  });

  test('other projects, compat values and volumes have their own heads', async () => {
    const { machine } = machines();
    await installOn(machine(), 'a');
    const others = [
      { request: { context: testContext('t1:local', 'github.com/acme/api') } },
      { volumes: [{ ...indexedVolume, compat: { os: 'plan9' } }] },
      { volumes: [{ ...indexedVolume, name: 'other' as typeof indexedVolume.name }] },
    ];
    for (const options of others) expect(await look(machine(), options)).toEqual({});
  });

  test("a clean-up's removals apply on other machines, except to layers that it did not see", async () => {
    const { machine } = machines();
    const [ann, ben] = [machine(), machine()];
    await installOn(ann, 'a');
    await ben.run(() => undefined);
    // Ann works while Ben cleans up.
    const cleaning = ben.run(
      async ([volume]) => {
        await installOn(ann, 'b');
        volume?.remove('content/a');
        volume?.write('index/bucket', '');
      },
      { request: { purpose: 'prune' } },
    );
    await cleaning;
    const seen = await look(machine());
    expect(seen).toMatchObject({ 'index/bucket': 'b\n', 'content/b': 'bytes of b' });
    expect(seen['content/a']).toBeUndefined();
  });

  test('a conflict between two machines is reported by the later one, with the layer of the other version', async () => {
    const { machine } = machines();
    const [ann, ben] = [machine(), machine()];
    await ben.run(
      async ([volume]) => {
        await ann.run(([other]) => put(other, 'data.bin', 'of Ann'), { volumes: [plainVolume] });
        put(volume, 'data.bin', 'of Ben');
        put(volume, 'other.bin', 'of Ben alone');
      },
      { volumes: [plainVolume] },
    );
    const [theirs] = await onlyHead(ann);
    expect(ben.events.find((event) => event.type === 'synced')).toMatchObject({
      report: { pushed: 'sent', conflicts: [{ path: 'data.bin', resolution: 'later run kept', layer: theirs }] },
    });
    expect(await look(machine(), { volumes: [plainVolume] })).toEqual({
      'data.bin': 'of Ben',
      'other.bin': 'of Ben alone',
    });
    // Merged lines are no conflict.
    await ben.run(async ([volume]) => {
      await installOn(ann, 'a');
      install(volume, 'b');
    });
    expect(ben.events.findLast((event) => event.type === 'synced')).toMatchObject({ report: { conflicts: [] } });
  });

  test("a clean-up that missed other machines' changes is dropped, with a warning", async () => {
    const { machine } = machines();
    await installOn(machine(), 'a');
    let failures = 0;
    const ben = machine(() => (failures-- > 0 ? { code: 'E_REMOTE_GONE', retryable: false } : undefined));
    // The pull before the command fails; the push works.
    failures = 2;
    await installOn(ben, 'b', lenient);
    failures = 2;
    await ben.run(([volume]) => volume?.write('index/bucket', ''), { request: { strict: false, purpose: 'prune' } });
    expect(warnings(ben).at(-1)).toContain('the clean-up of indexed on lane t1:local was undone');
    expect((await look(machine()))['index/bucket']).toBe('a\nb\n');
    expect((await look(ben))['index/bucket']).toBe('a\nb\n');
  });
});

describe('contents that stay on this machine', () => {
  test('volumes with sync never, also by the tool', async () => {
    const { machine, state } = machines();
    const run = await installOn(machine(), 'a', { volumes: [{ ...indexedVolume, sync: 'never' }] });
    expect(run.report.volumes[0]?.sync).toBeNull();
    expect(state.heads.size + state.objects.size).toBe(0);
  });

  test('new saves of a volume that is no longer synced, also in a later push of everything', async () => {
    const { machine, state } = machines();
    const ann = machine();
    const deps = { ...ann.deps, remote: memoryRemote(state) };
    await installOn(ann, 'a');
    await installOn(ann, 'b', { request: { push: 'never' } });
    await installOn(ann, 'private', { volumes: [{ ...indexedVolume, sync: 'never' }] });
    expect(await findPending(deps, noAbort)).toEqual([]);
    // Synced again, all of it is pushed, and nothing counts as removed.
    await ann.run(() => undefined);
    expect((await look(machine()))['index/bucket']).toBe('a\nb\nprivate\n');
  });

  test.each(['local/web-0123456789ab', 'file/srv/git/web'])(
    'projects with a name of this machine: %s',
    async (namespace) => {
      const { machine, state } = machines();
      const context = testContext('t1:local', namespace);
      const run = await installOn(machine(), 'a', { request: { context } });
      expect(run.report.volumes[0]?.sync).toBeNull();
      expect(state.heads.size).toBe(0);
    },
  );

  test('a layer with a symlink out of the volume, with the reason; the others are pushed', async () => {
    const { machine } = machines();
    const ann = machine();
    await ann.run(([volume]) => volume?.run([{ do: 'symlink', path: 'python', target: '/usr/bin/python3' }]));
    await installOn(ann, 'a');
    const told = 'python is a symlink out of the volume';
    expect(warnings(ann).filter((message) => message.includes(told))).toHaveLength(2);
    const ben = machine();
    expect(Object.keys(await look(ben))).toEqual(['content/a', 'index/bucket']);
    expect(warnings(ben)).toEqual([]);
    await ann.run(([volume]) => expect(volume?.exists('python')).toBe(true));
  });

  test('a volume that belongs to another tool in the remote', async () => {
    const { machine } = machines();
    await installOn(machine(), 'a');
    const ben = machine();
    const volumes = [{ ...indexedVolume, tool: 'directory', path: '/cache/indexed' }];
    const run = await installOn(ben, 'b', { volumes, ...lenient });
    expect(run.report.volumes[0]).toMatchObject({ hits: [], added: 4, sync: { pulledLayers: 0, pushed: 'later' } });
    expect(warnings(ben)[0]).toContain('indexed is a volume of indexed in the remote and of directory here');
    expect((await look(machine()))['index/bucket']).toBe('a\n');
  });

  test('changes of read-only runs and of T0 runs', async () => {
    const { machine, state } = machines();
    await installOn(machine(), 'a', { request: { mode: 'read' } });
    const context = { ...testContext('t0:run:1', 'github.com/acme/web', ['t1:ref:main']), canWrite: false };
    await installOn(machine(), 'a', { request: { context } });
    expect(state.heads.size).toBe(0);
  });

  test('with push never, until a later run', async () => {
    const { machine } = machines();
    const ann = machine();
    await installOn(ann, 'a');
    const run = await installOn(ann, 'b', { request: { push: 'never' } });
    expect(run.report.volumes[0]?.sync).toMatchObject({ pushed: 'later', why: 'push never', pushedBytes: 0 });
    expect((await look(machine()))['index/bucket']).toBe('a\n');
    const later = await ann.run(() => undefined);
    expect(later.report.volumes[0]?.sync).toMatchObject({ pushed: 'sent', pushedLayers: 1 });
    expect((await look(machine()))['index/bucket']).toBe('a\nb\n');
  });
});
