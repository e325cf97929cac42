import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { requireCommands } from '@cachelane/testkit';
import { expect, test } from 'vitest';
import { openWorld, type World } from '../cli.fixture.ts';

// Prune works on a private view, also where runs share a directory and where mounts are impossible.

/**
 * A stand-in for uv that uses its cache the same way: `uv NAME` adds a file, `uv ls` lists the files, and
 * `uv cache prune` deletes those named old.
 */
const standIn = `#!/bin/sh
cache="\${UV_CACHE_DIR:-$HOME/.cache/uv}/archive-v0"
case "$*" in
  --version) echo "uv 0.12.0" ;;
  "cache prune") rm -r "$cache/old" ;;
  ls) ls "$cache" ;;
  *) mkdir -p "$cache/$1" && echo "$1" > "$cache/$1/file.py" ;;
esac
`;

function openUvWorld(more: Readonly<Record<string, string>> = {}): World {
  const world = openWorld();
  for (const [name, text] of Object.entries({ uv: standIn, ...more })) {
    world.write({ [`bin/${name}`]: text });
    chmodSync(join(world.dir, 'bin', name), 0o755);
  }
  world.env['PATH'] = `${join(world.dir, 'bin')}:${world.env['PATH'] ?? ''}`;
  return world;
}

const options = ['-v', 'uv'];

async function fill(world: World, cwd: string, mounter: string): Promise<void> {
  for (const name of ['old', 'new']) {
    const run = await world.run(['uv', name], { cwd, options });
    expect(run.volume('uv')).toMatchObject({ mounter, added: 1, skipped: null });
  }
}

requireCommands('bwrap', 'flock')('cachelane prune', () => {
  test('affects runs that share a directory: they no longer find the removed files', async () => {
    using world = openUvWorld();
    const cwd = world.project('app');
    await fill(world, cwd, 'live');
    expect(await world.json(['prune', 'uv'], { cwd })).toMatchObject({ removed: 1, mounter: 'overlay' });
    const next = await world.run(['uv', 'ls'], { cwd, options });
    expect(next).toMatchObject({ code: 0, stdout: 'new\n' });
    expect(next.volume('uv')).toMatchObject({ mounter: 'live', added: 0, removed: 0, layer: null });
  });

  test('removes nothing that a run adds to the shared directory at the same time', async () => {
    using world = openUvWorld();
    const cwd = world.project('app');
    await fill(world, cwd, 'live');
    const running = world.startRun(['sh', '-c', 'echo started; read _; uv meanwhile'], { cwd, options, input: null });
    await running.said('started');
    expect(await world.json(['prune', 'uv'], { cwd })).toMatchObject({ removed: 1 });
    running.child.stdin?.end('\n');
    expect((await running.finished).volume('uv')).toMatchObject({ mounter: 'live', conflicts: [], skipped: null });
    expect(await world.run(['uv', 'ls'], { cwd, options })).toMatchObject({ stdout: 'meanwhile\nnew\n' });
  });

  test('works where mounts are impossible', async () => {
    const bwrap = '#!/bin/sh\necho "bwrap: No permissions to create new namespace" >&2\nexit 1\n';
    using world = openUvWorld({ bwrap });
    const cwd = world.project('app');
    await fill(world, cwd, 'live');
    expect(await world.json(['prune', 'uv'], { cwd })).toMatchObject({ removed: 1, mounter: 'clone' });
    expect(await world.run(['uv', 'ls'], { cwd, options })).toMatchObject({ stdout: 'new\n' });
  });
});
