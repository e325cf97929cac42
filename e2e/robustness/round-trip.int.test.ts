import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { limits } from '@cachelane/core';
import { requireCommands } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { openWorld, worldUsers, type World } from '../cli.fixture.ts';
import { expectNoSessions, expectWholeHeads, headsIn, until } from './store.fixture.ts';

// The same operations on a volume and on a plain directory have the same result.

const deepName = 'd'.repeat(200);

/** Sets repeatable times with nanoseconds. */
const stamp = (path: string, nanoseconds: string): string => `touch -h -d '2024-05-06 07:08:09.${nanoseconds}' ${path}`;

/** Creates everything that a file system can store, with difficult names. */
const create = `
  umask 022
  printf content > plain; : > empty; echo '#!/bin/sh' > tool; chmod 755 tool; echo r > read-only; chmod 444 read-only
  echo secret > shut; echo s > setuid; echo g > setgid; chmod 4755 setuid; chmod 2755 setgid
  echo n > "$(printf 'new\\nline and space')"; echo d > ./-rf; echo w > .wh.escaped
  echo l > "$(printf 'caf\\351')"; echo u > "$(printf 'gr\\303\\274\\303\\237')"
  mkdir "$(printf '\\377\\376')"; echo b > "$(printf '\\377\\376/\\200')"
  echo long > ${'x'.repeat(255)}; mkdir ${'y'.repeat(255)}; echo long > ${'y'.repeat(255)}/${'z'.repeat(255)}
  mkdir empty-dir sticky; chmod 1777 sticky
  mkdir -p locked/deeper; echo i > locked/inside; echo j > locked/deeper/file; chmod 444 locked/inside
  mkdir shut-dir; echo behind > shut-dir/file
  ln -s plain link; ln -s /nowhere/at/all dangling; ln -s "$OUTSIDE/secret" outside; ln -s ../../../../etc up; ln -s "$OUTSIDE" outside-dir
  ln -s "$(printf 'caf\\351')" "$(printf 'link-\\377')"
  echo linked > hard-1; ln hard-1 hard-2; mkdir -p a/b; ln hard-1 a/b/hard-3
  truncate -s 50M sparse; printf end >> sparse; truncate -s 1M holes
  mkdir -p to-rename/sub; echo one > to-rename/one; echo two > to-rename/sub/two
  mkdir -p dir-to-file/x; echo x > dir-to-file/x/y; echo file > file-to-dir
  mkdir -p remade/old; echo old > remade/old/f; echo o > remade/g; mkdir -p gone/deep; echo g > gone/deep/f
  (here=$PWD; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17; do mkdir ${deepName} && cd ${deepName}; done; echo leaf > leaf; cd "$here")
  ${stamp('plain', '123456789')}; ${stamp('empty-dir', '987654321')}; ${stamp('link', '000000001')}; ${stamp('locked/deeper/file', '999999999')}
  chmod 000 shut; chmod 555 locked/deeper locked; chmod 000 shut-dir`;

const change = `
  mv to-rename renamed; mv renamed/sub/two renamed/2
  rm -r dir-to-file; echo now-a-file > dir-to-file; rm file-to-dir; mkdir file-to-dir; echo below > file-to-dir/below
  rm -r remade; mkdir remade; echo new > remade/new; rm -r gone
  echo more >> plain; chmod 644 tool; chmod 755 empty; chmod 700 shut-dir; echo more > shut-dir/more
  chmod 755 locked; rm locked/inside; rm hard-2; echo again > hard-2; rm link; ln -s tool link; rm up
  mkdir a/b/c; rmdir empty-dir; echo file > empty-dir; chmod 600 read-only; chmod 700 ${'y'.repeat(255)}
  truncate -s 2M holes; printf middle | dd of=sparse bs=1 seek=1000000 conv=notrunc status=none
  (here=$PWD; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17; do cd ${deepName}; done; echo more >> leaf; echo side > side; cd "$here")
  ${stamp('plain', '111111111')}; ${stamp('remade/new', '222222222')}`;

const changeBack = `
  rm dir-to-file; mkdir dir-to-file; echo z > dir-to-file/z; rm -r file-to-dir; echo file > file-to-dir
  mv renamed to-rename; mkdir -p gone; echo back > gone/back; rm -r remade; rm empty-dir; mkdir empty-dir
  chmod 755 tool; chmod 000 shut-dir; chmod 500 locked; rm -r sticky; echo not-a-directory > sticky
  ${stamp('tool', '333333333')}; ${stamp('empty-dir', '444444444')}`;

/** A small save. Many of them add and remove files. */
const step = (number: number): string => `
  mkdir -p many/dir-${number % 3}; echo ${number} > many/file-${number}; echo ${number} > many/dir-${number % 3}/same
  rm -f many/file-${number - 4}; [ ${number % 5} != 0 ] || { rm -r many/dir-1; mkdir many/dir-1; echo ${number} > many/dir-1/anew; }
  ${stamp('many', String(123_455_000 + number * 10_000))}`;

/** Lists type, permissions, size, time and target of everything, then the contents. It opens unreadable files last. */
const look = `
  find . -mindepth 1 \\( -type d -printf 'd %m %T+ %p\\0' -o -type l -printf 'l %T+ %p -> %l\\0' -o -printf '%y %m %s %T+ %p\\0' \\) 2>"$ERRORS" | LC_ALL=C sort -z | tr '\\0\\n' '\\n?'
  chmod -R u+rwX . 2>/dev/null
  find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum -z | tr '\\0\\n' '\\n?'
  find . -mindepth 1 -printf '%y %p\\0' | LC_ALL=C sort -z | tr '\\0\\n' '\\n?'`;

/** Normalizes a listing: no setuid and setgid bits, directory times to microseconds, and no times that the script did not set. */
function linesOf(listing: string): readonly string[] {
  const lines = listing.split('\n').map((line) =>
    line
      .replace(/^f [246]([0-7]{3}) /, 'f $1 ')
      .replace(/^(d \d+ \S+\.\d{5})\d+ /, '$1 ')
      .replace(/ (?!2024)\d{4}-\d\d-\d\d\+[\d:.]+ /, ' now '),
  );
  return lines.toSorted();
}

interface Pair {
  /** Runs the script in the volume and in the directory. */
  both(script: string): Promise<void>;
  /** Expects equal listings. */
  expectSame(): Promise<void>;
}

async function openPair(world: World): Promise<Pair> {
  world.write({ 'outside/secret': 'not ours to touch', errors: '' });
  const plain = join(world.dir, 'plain/data');
  world.write({ 'plain/data/.keep': '', 'volume/.keep': '' });
  const env = { OUTSIDE: join(world.dir, 'outside'), ERRORS: join(world.dir, 'errors') };
  const inVolume = async (script: string, ...options: readonly string[]) =>
    await world.run(['sh', '-c', `cd volume/data; ${script}`], {
      env,
      options: ['-v', 'data:volume/data', '--strict', ...options],
    });
  await inVolume('touch .keep');
  return {
    async both(script) {
      world.exec(['sh', '-euc', script], { cwd: plain, env });
      const run = await inVolume(`set -eu; ${script}`);
      expect(run).toMatchObject({ code: 0 });
      expect(run.volume('data').skipped).toBeNull();
    },
    async expectSame() {
      // Both in a temporary overlay, because the listing changes permissions.
      const view = ['bwrap', '--dev-bind', '/', '/', '--overlay-src', plain, '--tmp-overlay', plain, '--chdir', plain];
      const expected = world.exec([...view, 'sh', '-c', look], { env });
      const found = await inVolume(look, '--mode=read');
      expect(linesOf(found.stdout)).toEqual(linesOf(expected.stdout));
      expect(found.stdout.length).toBeGreaterThan(2000);
    },
  };
}

describe.each(worldUsers)('as %s', (user) => {
  requireCommands('bwrap', 'flock')('a volume', () => {
    test('keeps everything, through changes of every kind, like a plain directory', async () => {
      using world = openWorld({ user });
      const pair = await openPair(world);
      for (const script of [create, change, changeBack]) {
        await pair.both(script);
        await pair.expectSame();
      }
      expect(world.exec(['cat', 'outside/secret']).stdout).toBe('not ours to touch');
      for (let number = 1; number <= 20; number++) {
        await pair.both(step(number));
        if (number % 7 === 0) await pair.expectSame();
      }
      await pair.expectSame();
      const [head] = await headsIn(world);
      expect(head?.generation).toBeGreaterThan(20);
      expect(head?.layers.length).toBeLessThan(limits.viewLayers);
      await expectWholeHeads(world);
      await expectNoSessions(world);
    });

    test('keeps no setuid or setgid bits, no sockets and no pipes', async () => {
      using world = openWorld({ user });
      const options = ['-v', 'data:data', '--strict'];
      const make = 'cd data; echo x > tool; chmod 6755 tool; mkdir d; chmod 2775 d; mkfifo pipe';
      expect((await world.run(['sh', '-c', make], { options })).code).toBe(0);
      const list = "cd data; find . -mindepth 1 -printf '%m %P\\n' | sort";
      expect((await world.run(['sh', '-c', list], { options })).stdout).toBe('755 tool\n775 d\n');
    });

    test('with a path that is too long is not saved, with the reason, and earlier saves stay', async () => {
      using world = openWorld({ user });
      const options = ['-v', 'data:data'];
      await world.run(['sh', '-c', 'echo x > data/x'], { options });
      const deep = `cd data; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21; do mkdir ${deepName} && cd ${deepName}; done; echo > leaf`;
      const run = await world.run(['sh', '-c', deep], { options });
      expect(run).toMatchObject({ code: 0 });
      expect(run.volume('data')).toMatchObject({ layer: null, skipped: expect.stringMatching(/too long|bytes long/) });
      expect((await world.run(['ls', 'data'], { options })).stdout).toBe('x\n');
      await expectNoSessions(world);
    });

    test('with such a path in a kept directory does not break other runs, du or gc', async () => {
      using world = openWorld({ user });
      const options = ['-v', 'data:data', '--mounter', 'clone'];
      await world.run(['sh', '-c', 'echo x > data/x'], { options });
      const deep = `process.chdir('data'); for (let i = 0; i < 30; i++) { fs.mkdirSync('${deepName}'); process.chdir('${deepName}'); }`;
      const run = await world.run([process.execPath, '-e', deep], { options });
      expect(run.code).toBe(0);
      expect(run.volume('data')).toMatchObject({ layer: null, skipped: expect.stringMatching(/too long|bytes long/) });
      expect(await world.cachelane(['du'])).toMatchObject({ code: 0, stderr: '' });
      expect((await world.run(['ls', 'data'], { options })).stdout).toBe('x\n');
      await until(() => readdirSync(join(world.store, 'trash')).length === 0);
    });
  });
});
