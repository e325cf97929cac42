import {
  closeSync,
  constants,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { requireCommands } from '@cachelane/testkit';
import { expect, test, vi } from 'vitest';
import { openWorld, type FinishedRun, type World, type WorldUser } from './cli.fixture.ts';

// Push without a run, and commands about a whole remote: the bundled CLI with a directory as remote.

interface Shared extends Disposable {
  readonly dir: string;
  /** Creates another machine, with the environment that selects the remote. */
  machine(): { readonly world: World; readonly env: Readonly<Record<string, string>> };
}

function openShared(user?: WorldUser): Shared {
  const who = user === undefined ? {} : { user };
  const place = openWorld(who);
  const dir = join(place.dir, 'shared');
  place.exec(['mkdir', dir]);
  const worlds: World[] = [];
  return {
    dir,
    machine: () => {
      const world = openWorld(who);
      worlds.push(world);
      return { world, env: { CACHELANE_REMOTE: `dir:${dir}` } };
    },
    [Symbol.dispose]: () => {
      for (const world of [...worlds, place]) world[Symbol.dispose]();
    },
  };
}

type Machine = ReturnType<Shared['machine']>;

/** Returns the volume's mount point. An ordinary user can create it. */
const seenAt = ({ dir }: World): string => join(dir, 'data');

const optionsOf = (world: World): readonly string[] => ['-n', 'acme/web', '-v', `data:${seenAt(world)}`];

async function write({ world, env }: Machine, name: string, push: string): Promise<FinishedRun> {
  const command = ['sh', '-c', `echo ${name} > ${join(seenAt(world), name)}`];
  return await world.run(command, { options: [...optionsOf(world), '--push', push], env });
}

async function list({ world, env }: Machine): Promise<string> {
  const command = ['sh', '-c', `cat ${seenAt(world)}/* || true`];
  return (await world.run(command, { options: [...optionsOf(world), '--mode', 'read'], env })).stdout;
}

const filesIn = (dir: string, ending: string): readonly string[] =>
  readdirSync(dir, { recursive: true, encoding: 'utf8' }).flatMap((name) =>
    name.endsWith(ending) ? [join(dir, name)] : [],
  );

requireCommands('bwrap')('push', () => {
  test('sends layers that runs kept back, lists them first with --dry-run, and sends nothing twice', async () => {
    using shared = openShared();
    const ann = shared.machine();
    await write(ann, 'a', 'wait');
    const kept = await write(ann, 'b', 'never');
    expect(kept.volume('data').sync).toMatchObject({ pushed: 'later', why: 'push never' });
    const { world, env } = ann;
    const dry = await world.cachelane(['push', '--dry-run'], { env });
    expect(dry).toMatchObject({ code: 0, stdout: 'acme/web:data t1:local: would send 1 layer\n' });
    expect(await list(shared.machine())).toBe('a\n');

    const sent = await world.json(['push'], { env });
    expect(sent).toMatchObject({ heads: [{ volume: 'data', waiting: 1, sent: true, layers: 1, error: null }] });
    expect(await list(shared.machine())).toBe('a\nb\n');
    expect((await world.cachelane(['push'], { env })).stdout).toBe(`dir:${shared.dir} is up to date\n`);
  });

  test('continues in the background after the run has ended', async () => {
    using shared = openShared();
    const ann = shared.machine();
    const run = await write(ann, 'a', 'background');
    expect(run.volume('data').sync).toMatchObject({ pushed: 'later', why: 'sent in the background' });
    await vi.waitFor(() => expect(filesIn(shared.dir, '.tar.zst')).toHaveLength(1), { timeout: 20_000 });
    // Only one process pushes at a time. This one waits for the other.
    expect((await ann.world.cachelane(['push'], { env: ann.env })).stdout).toContain('is up to date');
    expect(await list(shared.machine())).toBe('a\n');
  });

  test('that failed in the background is reported and retried by the next run', async () => {
    using shared = openShared();
    const ann = shared.machine();
    await write(ann, 'a', 'wait');
    const { world, env } = ann;
    // Heads can be read, but objects cannot be stored.
    renameSync(join(shared.dir, 'objects'), join(shared.dir, 'objects-away'));
    writeFileSync(join(shared.dir, 'objects'), '');
    await write(ann, 'b', 'background');
    await vi.waitFor(() => expect(readFileSync(join(world.store, 'push.log'), 'utf8')).not.toBe(''), {
      timeout: 20_000,
    });
    rmSync(join(shared.dir, 'objects'));
    renameSync(join(shared.dir, 'objects-away'), join(shared.dir, 'objects'));
    const next = await write(ann, 'c', 'background');
    expect(next.stderr).toMatch(
      /the last background push failed; the next run of the lane or cachelane push retries it: .*objects/,
    );
    await vi.waitFor(
      async () => expect((await world.json(['push', '--dry-run'], { env })) as object).toMatchObject({ heads: [] }),
      { timeout: 20_000, interval: 300 },
    );
    expect(await list(shared.machine())).toBe('a\nb\nc\n');
  });

  test('fails without a remote, or with a missing one, and says why', async () => {
    using shared = openShared();
    const { world, env } = shared.machine();
    expect(await world.cachelane(['push'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no remote is set') as string,
    });
    renameSync(shared.dir, `${shared.dir}-away`);
    const gone = await world.cachelane(['push'], { env });
    expect(gone).toMatchObject({ code: 1, stderr: expect.stringContaining('there is no directory') as string });
  });
});

/** Ways to save `a` first without reaching the remote. */
const unsent: readonly (readonly [string, (machine: Machine, dir: string) => Promise<void>])[] = [
  ['a run with --push never', async (machine) => void (await write(machine, 'a', 'never'))],
  ['a run without the remote', async ({ world }) => void (await write({ world, env: {} }, 'a', 'wait'))],
  [
    'an import',
    async ({ world, env }) => {
      world.write({ 'old/a': 'a\n' });
      const imported = await world.cachelane(['import', '-n', 'acme/web', 'old', '--as', `data:${seenAt(world)}`], {
        env,
      });
      expect(imported.code, imported.stderr).toBe(0);
    },
  ],
  [
    'a run without access to the remote',
    async (machine, dir) => {
      machine.world.exec(['chmod', '0', dir]);
      const run = await write(machine, 'a', 'wait');
      machine.world.exec(['chmod', '700', dir]);
      expect(run.volume('data').sync).toMatchObject({ pushed: 'later' });
      expect(run.stderr).toContain('kept here; the next run sends it');
    },
  ],
  [
    'Ctrl-C during the push',
    async ({ world, env }, dir) => {
      const pipe = join(dir, 'heads/about@/1');
      // A reader of the pipe blocks until a writer opens it.
      const command = `echo a > ${join(seenAt(world), 'a')}; mkdir -p ${join(pipe, '..')}; mkfifo ${pipe}`;
      const started = world.startRun(['sh', '-c', command], { options: [...optionsOf(world), '--push', 'wait'], env });
      await vi.waitFor(() => closeSync(openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK)), { timeout: 20_000 });
      started.child.kill('SIGINT');
      const run = await started.finished;
      expect(run.volume('data').sync).toMatchObject({ pushed: 'later' });
      rmSync(join(dir, 'heads'), { recursive: true });
    },
  ],
];

requireCommands('bwrap')('push to an empty remote', () => {
  test.each(unsent)('sends layers of %s', async (_, save) => {
    using shared = openShared('ordinary user');
    const ann = shared.machine();
    await save(ann, shared.dir);
    const { world, env } = ann;
    const dry = await world.cachelane(['push', '--dry-run'], { env });
    expect(dry, dry.stderr).toMatchObject({ code: 0, stdout: 'acme/web:data t1:local: would send 1 layer\n' });
    expect(filesIn(shared.dir, '.tar.zst')).toEqual([]);
    const sent = await world.cachelane(['push'], { env });
    expect(sent, sent.stderr).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^acme\/web:data t1:local: sent 1 layer, \d+ B\n$/) as string,
    });
    expect(await list(shared.machine())).toBe('a\n');
    expect((await world.cachelane(['push'], { env })).stdout).toBe(`dir:${shared.dir} is up to date\n`);
  });
});

requireCommands('bwrap')('push, after a rollback', () => {
  test('removes rolled back layers with a notice; until then others still get them', async () => {
    using shared = openShared();
    const ann = shared.machine();
    for (const name of ['a', 'b', 'c']) await write(ann, name, 'wait');
    const { world, env } = ann;
    const back = await world.cachelane(['rollback', 'acme/web:data', '--to', '1'], { env });
    expect(back.stdout).toContain('Other machines keep the old state until the next run here');
    expect(await list(shared.machine())).toBe('a\nb\nc\n');
    const explained = await world.cachelane(['explain', '--verbose', `data:${seenAt(world)}`, '-n', 'acme/web'], {
      env,
    });
    expect(explained.stdout).toContain(', 0 layers to send, 2 layers to remove there\n');
    const told = [
      await world.cachelane(['push', '--dry-run'], { env }),
      await world.cachelane(['push'], { env }),
      await world.cachelane(['push'], { env }),
    ].map(({ stdout }) => stdout);
    expect(told).toEqual([
      'acme/web:data t1:local: would remove 2 layers\n',
      'acme/web:data t1:local: removed 2 layers\n',
      `dir:${shared.dir} is up to date\n`,
    ]);
    expect(await list(shared.machine())).toBe('a\n');
  });
});

requireCommands('bwrap')('verify remote', () => {
  test('names damaged objects and disables them, and a machine that has a copy sends it again', async () => {
    using shared = openShared();
    const ann = shared.machine();
    const { world, env } = ann;
    const first = await write(ann, 'a', 'wait');
    await write(ann, 'b', 'wait');
    const verify = async (...more: readonly string[]): ReturnType<World['cachelane']> =>
      await world.cachelane(['verify', 'remote', ...more], { env });
    expect(await verify()).toMatchObject({
      code: 0,
      stdout: `dir:${shared.dir}: 1 head and 2 layers verified: no damage found\n`,
    });

    const layer = first.volume('data').layer ?? expect.fail('nothing was saved');
    const index = filesIn(shared.dir, `${layer}.index`)[0] ?? expect.fail('no index');
    const bytes = readFileSync(index);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    writeFileSync(index, bytes);
    const found = await verify();
    expect(found.code).toBe(1);
    expect(found.stdout).toContain(`layer ${layer.slice(0, 12)} cannot be used`);
    expect(found.stdout).toContain('in acme/web:data t1:local');
    // A reader continues without the damaged layer, with a warning.
    const reader = shared.machine();
    expect(await list(reader)).toBe('b\n');

    expect((await verify('--repair', '--dry-run')).code).toBe(1);
    expect((await verify('--repair')).code).toBe(0);
    expect(JSON.parse((await verify('--json')).stdout)).toMatchObject({ layers: 1, damaged: [], damagedHeads: [] });
    await write(ann, 'c', 'wait');
    expect(await list(shared.machine())).toBe('a\nb\nc\n');
    expect(await verify()).toMatchObject({ code: 0 });
    expect(statSync(index).size).toBe(bytes.length);
  });
});

/** Damages the newest state of a head, like a crash, a bad disk or an `async` server. */
function damageHead(dir: string, name: RegExp, damage: (bytes: Buffer) => Uint8Array): void {
  const states = readdirSync(join(dir, 'heads'), { recursive: true, encoding: 'utf8' }).filter((file) =>
    name.test(file),
  );
  const newest = states.toSorted((a, b) => Number(basename(a)) - Number(basename(b))).at(-1);
  const file = join(dir, 'heads', newest ?? expect.fail('no head'));
  writeFileSync(file, damage(readFileSync(file)));
}

const emptied = (): Uint8Array => new Uint8Array();
const changed = (bytes: Buffer): Uint8Array => bytes.with(200, (bytes[200] ?? 0) ^ 1);
const mend = 'cachelane verify remote --repair removes it';
const head = /^heads\/[^/]+@\/\d+$/;
const about = /^about@\/\d+$/;

requireCommands('bwrap')('a damaged head', () => {
  test.each([
    ['emptied', 'is empty', head, emptied],
    ['changed in one byte', 'is damaged', head, changed],
    ['of the remote itself, emptied', 'is empty', about, emptied],
  ] as const)(
    '%s: every command names it and its fix, and after the repair all machines share again',
    async (_, why, name, damage) => {
      using shared = openShared();
      const [ann, ben] = [shared.machine(), shared.machine()];
      await write(ann, 'a', 'wait');
      await write(ben, 'b', 'wait');
      await write(ann, 'c', 'never');
      damageHead(shared.dir, name, damage);
      const on = async (...argv: readonly string[]): ReturnType<World['cachelane']> =>
        await ann.world.cachelane(argv, { env: ann.env });

      const stuck = await write(ann, 'd', 'wait');
      expect(stuck.code).toBe(0);
      expect(stuck.volume('data').sync).toMatchObject({ pushed: 'later' });
      const refused = [stuck, await on('push')];
      // This command does not need the remote's description.
      if (name === head) refused.push(await on('rm', 'acme/web:data', '--shared'));
      for (const said of refused) {
        expect(said.stderr).toContain(why);
        expect(said.stderr).toContain(mend);
      }
      const doctor = await on('doctor');
      if (name === about) expect([doctor.code, doctor.stdout]).toEqual([1, expect.stringContaining(mend)]);

      const found = await on('verify', 'remote');
      expect([found.code, found.stdout]).toEqual([
        1,
        expect.stringMatching(new RegExp(`head .* cannot be read\\n .* ${why}`)),
      ]);
      expect((await on('verify', 'remote', '--repair', '--dry-run')).code).toBe(1);
      expect(await on('verify', 'remote', '--repair')).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('1 head moved or removed') as string,
      });
      expect(await on('verify', 'remote')).toMatchObject({ code: 0 });
      // Each machine sends its own layers and those it pulled.
      await write(ben, 'e', 'wait');
      await write(ann, 'f', 'wait');
      expect(await list(shared.machine())).toBe('a\nb\nc\nd\ne\nf\n');
      expect((await on('push')).stdout).toContain('is up to date');
    },
  );
});

requireCommands('bwrap')('rm', () => {
  test('removes local files and says that the remote has a copy; --shared removes both', async () => {
    using shared = openShared();
    const [ann, ben] = [shared.machine(), shared.machine()];
    await write(ann, 'a', 'wait');
    await write(ben, 'b', 'wait');
    await write(ben, 'unsent', 'never');
    const { world, env } = ann;
    const rm = async (...more: readonly string[]): ReturnType<World['cachelane']> =>
      await world.cachelane(['rm', 'acme/web:data', ...more], { env });
    expect((await rm()).stdout).toContain('A remote has a copy, and the next run restores it');
    expect(await list(ann)).toBe('a\nb\n');

    expect((await rm('--shared', '--dry-run')).stdout).toContain('would remove');
    expect(await list(shared.machine())).toBe('a\nb\n');
    expect(await rm('--shared')).toMatchObject({ code: 0, stdout: expect.not.stringContaining('A remote') as string });
    expect([await list(ann), await list(shared.machine())]).toEqual(['', '']);
    // Ben loses what he pulled and what he sent. His unsent file stays.
    await write(ben, 'c', 'wait');
    expect(await list(ben)).toBe('c\nunsent\n');
    expect(await list(shared.machine())).toBe('c\nunsent\n');
    expect(await world.cachelane(['rm', 'acme/web:data', '--shared', '--no-remote'])).toMatchObject({ code: 2 });
    // A damaged volume can be removed without pulling it.
    const { world: bystander, env: same } = shared.machine();
    const removed = await bystander.cachelane(['rm', 'acme/web:data', '--shared'], { env: same });
    expect(removed).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('in lane t1:local of the remote: 2') as string,
    });
    expect(await list(shared.machine())).toBe('');
  });
});
