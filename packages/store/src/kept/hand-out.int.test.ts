import { spawn, type ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { once } from 'node:events';
import type { AttachedVolume } from '@cachelane/core';
import { attachRequest } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { openCloneMounter } from './clone-mounter.ts';
import { createKeptHome, type KeptHome } from './kept-home.fixture.ts';
import { changed, dirOf, layerOf, noAbort, save, show } from './kept-runs.fixture.ts';

// Processes that outlive their run, and what the next run of the lane gets.

async function attach(home: KeptHome, samePath: boolean): Promise<AttachedVolume> {
  return await home.mounter.attach(attachRequest(home, { reach: 'setting', samePath }), noAbort);
}

/** Starts a process. Each input line makes `script` take one step. Resolves once it runs. */
async function outliving(script: string, { cwd = '/', dir = '' } = {}): Promise<ChildProcess & AsyncDisposable> {
  const env = dir === '' ? {} : { DIR: dir };
  const child = spawn('/bin/sh', ['-c', script], { cwd, env, stdio: ['pipe', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return Object.assign(child, {
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  });
}

/** Makes the process take its next step, and waits for it. */
async function step(child: ChildProcess): Promise<void> {
  child.stdin?.write('\n');
  if (child.stdout !== null) await once(child.stdout, 'data');
}

const inode = (volume: AttachedVolume): number => fs.statSync(dirOf(volume)).ino;

describe('a run that needs a new path', () => {
  test('gets the previous directory under a new path, away from writers to the old one', async () => {
    await using home = await createKeptHome(openCloneMounter);
    const first = await attach(home, false);
    const [path, directory] = [dirOf(first), inode(first)];
    await first.release(noAbort);
    const second = await attach(home, false);
    expect([inode(second), dirOf(second) === path]).toEqual([directory, false]);
    expect(() => {
      fs.writeFileSync(`${path}/late`, 'late');
    }).toThrow('ENOENT');
    await second.release(noAbort);
    // Also after all records of the path are gone.
    await home.mounter.removeKept(await home.mounter.listKept(noAbort), noAbort);
    const third = await attach(home, false);
    expect([path, dirOf(second)]).not.toContain(dirOf(third));
    await third.release(noAbort);
  });
});

describe('a run that needs a known path', () => {
  test('gets the same path every time, whatever others had in between', async () => {
    await using home = await createKeptHome(openCloneMounter);
    const paths = [];
    for (const samePath of [true, true, false, true]) {
      const volume = await attach(home, samePath);
      paths.push(dirOf(volume));
      await volume.release(noAbort);
    }
    const [first, second, other, last] = paths;
    expect([second, last]).toEqual([first, first]);
    expect(other).not.toBe(first);
  });

  test('gets another path if a process knows the first one, and so do later runs', async () => {
    await using home = await createKeptHome(openCloneMounter);
    const first = await attach(home, true);
    const [path, directory] = [dirOf(first), inode(first)];
    await using child = await outliving('echo; read x; echo late > $DIR/late; echo', { dir: path });
    await first.release(noAbort);
    const second = await attach(home, true);
    expect([inode(second), dirOf(second) === path, second.passedOver]).toEqual([directory, false, []]);
    await step(child);
    expect(show(second)).toBe('');
    await second.release(noAbort);
    await child[Symbol.asyncDispose]();
    const third = await attach(home, true);
    expect(dirOf(third)).toBe(dirOf(second));
    await third.release(noAbort);
  });
});

describe.each([true, false])('with a known path: %s', (samePath) => {
  test.each([
    ['works in it', 'echo; read x; echo late > late; echo'],
    ['works below it', 'mkdir d; cd d; echo; read x; echo late > late; echo'],
    ['has a file of it open', 'exec 5> file; cd /; echo; read x; echo late >&5; echo'],
  ])('a run does not get the directory of a process that %s', async (_, script) => {
    await using home = await createKeptHome(openCloneMounter);
    const first = await attach(home, samePath);
    const directory = inode(first);
    await using child = await outliving(script, { cwd: dirOf(first) });
    await first.release(noAbort);
    const second = await attach(home, samePath);
    const another = inode(second);
    expect(another).not.toBe(directory);
    expect(second.passedOver).toEqual([{ pid: child.pid, name: 'sh' }]);
    await step(child);
    expect(show(second)).toBe('');
    await second.release(noAbort);
    await child[Symbol.asyncDispose]();
    const both = [await attach(home, samePath), await attach(home, samePath)];
    expect(new Set(both.map(inode))).toEqual(new Set([directory, another]));
    expect(both.map(show)).toEqual(['', '']);
    for (const each of both) await each.release(noAbort);
  });
});

test.each([true, false])('writes between two runs count as the work of neither (%s)', async (samePath) => {
  await using home = await createKeptHome(openCloneMounter);
  const first = await attach(home, samePath);
  fs.writeFileSync(`${dirOf(first)}/a`, 'a');
  await using child = await outliving('echo; read x; echo late > $DIR/late; echo', { dir: dirOf(first) });
  const view = [await save(home, first)];
  await step(child);
  await child[Symbol.asyncDispose]();
  const request = attachRequest(home, { view, reach: 'setting', samePath });
  const second = await home.mounter.attach(request, noAbort);
  expect([show(second), await changed(second)]).toEqual(['./a\na', []]);
  await second.release(noAbort);
});

test('a reused directory shows the view', async () => {
  await using home = await createKeptHome(openCloneMounter);
  const base = await layerOf(home, 'mkdir d; echo a > d/a');
  for (const samePath of [false, true, false]) {
    const request = attachRequest(home, { view: [base], reach: 'setting', samePath });
    const volume = await home.mounter.attach(request, noAbort);
    expect(show(volume)).toBe('./d\n./d/a\na\n');
    fs.writeFileSync(`${dirOf(volume)}/d/a`, 'edited');
    await volume.release(noAbort);
  }
});

describe('a directory that is not kept', () => {
  test('cannot be claimed before it is deleted', async () => {
    await using home = await createKeptHome(openCloneMounter);
    const wasGuarded: boolean[] = [];
    const mounter = home.open({
      ...home.files,
      unlink(path) {
        const [, lane] = /^(.*\/clone-[0-9a-f]+)\/\d+\/users\//.exec(String(path)) ?? [];
        if (lane !== undefined) wasGuarded.push(isGuarded(lane));
        home.files.unlink(path);
      },
    });
    const volumes: AttachedVolume[] = [];
    // The four that are kept, and one more.
    for (let ordinal = 0; ordinal < 5; ordinal++)
      volumes.push(await mounter.attach(attachRequest(home, { reach: 'setting', samePath: true, ordinal }), noAbort));
    for (const volume of volumes) await volume.release(noAbort);
    expect(wasGuarded).toEqual([false, false, false, false, true]);
    expect(await mounter.listKept(noAbort)).toHaveLength(4);
  });

  test('leaves no files of its lane if others are removed at the same time', async () => {
    await using home = await createKeptHome(openCloneMounter);
    const volume = await attach(home, true);
    await volume.release(noAbort);
    const listed = await home.mounter.listKept(noAbort);
    for (let times = 0; times < 2; times++) await home.mounter.removeKept(listed, noAbort);
    expect(fs.readdirSync(`${home.dir}/kept`).filter((name) => name.startsWith('clone-'))).toEqual([]);
  });
});

function isGuarded(lane: string): boolean {
  using database = new DatabaseSync(`${lane}/guard`, { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
    return false;
  } catch {
    return true;
  }
}
