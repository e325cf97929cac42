import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { attachRequest, collect } from '@cachelane/testkit';
import { describe, expect, test } from 'vitest';
import { openCloneMounter } from './clone-mounter.ts';
import { createKeptHome, runScript, type KeptHome } from './kept-home.fixture.ts';
import { KeptSlots, type Guard } from '../slots/kept-slots.ts';
import { attach, changed, dirOf, layerOf, noAbort, save, show } from './kept-runs.fixture.ts';

// Invariant: whatever a run did to its directory, and others to its files through other names, the next run finds its
// view, and nothing outside is changed.

/** Throws like an operation on root's files, or on immutable ones. */
function failing(code: string): never {
  throw Object.assign(new Error(code), { code });
}

/** Creates files outside that must stay unchanged. */
function makePrecious(home: KeptHome): string {
  const dir = `${home.targets}/precious`;
  fs.mkdirSync(`${dir}/sub`, { recursive: true, mode: 0o700 });
  fs.writeFileSync(`${dir}/mine`, 'mine');
  return dir;
}

function expectPrecious(dir: string): void {
  expect(fs.readdirSync(dir).toSorted()).toEqual(['mine', 'sub']);
  expect(fs.statSync(dir).mode & 0o7777).toBe(0o700);
}

describe('a directory that a run', () => {
  test.each([false, true])(
    'replaced by a symlink is set aside, and its target stays unchanged (saving: %s)',
    async (saves) => {
      await using home = await createKeptHome(openCloneMounter);
      const base = await layerOf(home, 'echo f > f; mkdir d; echo d > d/d');
      const precious = makePrecious(home);
      const run = await attach(home, [base]);
      fs.rmSync(dirOf(run), { recursive: true });
      fs.symlinkSync(precious, dirOf(run));
      if (saves) await expect(collect(run)).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
      await run.release(noAbort);
      expectPrecious(precious);
      const next = await attach(home, [base]);
      expect(fs.lstatSync(dirOf(next)).isSymbolicLink()).toBe(false);
      expect(show(next)).toBe('./d\n./d/d\n./f\nd\nf\n');
      expect(await changed(next)).toEqual([]);
      await next.release(noAbort);
      expect(home.leftovers()).toEqual([]);
      expectPrecious(precious);
    },
  );

  test('replaced by a file is recreated', async () => {
    await using home = await createKeptHome(openCloneMounter);
    const base = await layerOf(home, 'echo f > f');
    const run = await attach(home, [base]);
    fs.rmSync(dirOf(run), { recursive: true });
    fs.writeFileSync(dirOf(run), 'a file');
    await expect(collect(run)).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
    await run.release(noAbort);
    const next = await attach(home, [base]);
    expect(show(next)).toBe('./f\nf\n');
    await next.release(noAbort);
  });

  test('removed and recreated has the contents of the run', async () => {
    await using home = await createKeptHome(openCloneMounter);
    const base = await layerOf(home, 'echo f > f; echo g > g');
    const run = await attach(home, [base]);
    fs.rmSync(dirOf(run), { recursive: true });
    fs.mkdirSync(dirOf(run));
    runScript(run, 'echo F > f; echo h > h');
    const top = await save(home, run);
    const next = await attach(home, [top, base]);
    expect(show(next)).toBe('./f\n./h\nF\nh\n');
    expect(await changed(next)).toEqual([]);
    await next.release(noAbort);
  });
});

describe('a file that was edited through another name', () => {
  test('that is gone by now is detected', async () => {
    await using home = await createKeptHome(openCloneMounter);
    const first = await attach(home);
    runScript(first, 'echo good > f; echo same > same');
    const [other, kept] = [`${home.targets}/other`, `${home.targets}/kept`];
    fs.linkSync(`${dirOf(first)}/f`, other);
    fs.linkSync(`${dirOf(first)}/same`, kept);
    const view = [await save(home, first)];
    const { mtime } = fs.statSync(other);
    fs.writeFileSync(other, 'evil\n');
    fs.utimesSync(other, mtime, mtime);
    fs.rmSync(other);
    fs.rmSync(kept);
    for (let round = 0; round < 2; round++) {
      const next = await attach(home, view);
      expect(show(next)).toBe('./f\n./same\ngood\nsame\n');
      expect(await changed(next)).toEqual([]);
      await next.release(noAbort);
    }
  });
});

describe('a change of an unsaved run', () => {
  const modes = 'stat -c "%n %a" . d f | sort';

  test('of modes is undone', async () => {
    await using home = await createKeptHome(openCloneMounter);
    const base = await layerOf(home, 'mkdir d; echo f > f; echo g > d/g');
    const run = await attach(home, [base]);
    const before = runScript(run, modes).toString();
    runScript(run, 'chmod u+s f; chmod g+s d; chmod 1777 .');
    expect(await changed(run)).toEqual(['d', 'f']);
    await run.release(noAbort);
    const next = await attach(home, [base]);
    expect(runScript(next, modes).toString()).toBe(before);
    expect(await changed(next)).toEqual([]);
    await next.release(noAbort);
  });

  test('of mode bits that layers do not store is undone even after a save', async () => {
    await using home = await createKeptHome(openCloneMounter);
    const first = await attach(home);
    runScript(first, 'mkdir d; echo f > f; chmod 6755 f; chmod 2755 d');
    const view = [await save(home, first)];
    const next = await attach(home, view);
    expect(runScript(next, modes).toString()).toBe('. 755\nd 755\nf 755\n');
    await next.release(noAbort);
  });

  test('of attributes of a file is undone', async () => {
    await using home = await createKeptHome(openCloneMounter);
    const base = await layerOf(home, 'echo f > f; echo g > g');
    const run = await attach(home, [base]);
    const [f, g] = [`${dirOf(run)}/f`, `${dirOf(run)}/g`];
    const inode = fs.statSync(g).ino;
    const script = 'import os, sys; os.setxattr(sys.argv[1], "user.evil", b"1")';
    execFileSync('python3', ['-c', script, f]);
    await run.release(noAbort);
    const next = await attach(home, [base]);
    const listed = execFileSync('python3', ['-c', 'import os, sys; print(os.listxattr(sys.argv[1]))', f]);
    expect(listed.toString()).toBe('[]\n');
    expect(fs.statSync(g).ino).toBe(inode);
    await next.release(noAbort);
  });

  test.runIf(process.geteuid?.() === 0)('of owners is undone', async () => {
    await using home = await createKeptHome(openCloneMounter);
    const base = await layerOf(home, 'mkdir d; echo f > f; echo g > d/g');
    const owners = 'stat -c "%n %u:%g" . d d/g f | sort';
    for (const script of ['chown 65534 f d/g; chown 1:1 d', 'chown 65534:65534 .']) {
      const run = await attach(home, [base]);
      const before = runScript(run, owners).toString();
      runScript(run, script);
      await run.release(noAbort);
      const next = await attach(home, [base]);
      expect(runScript(next, owners).toString()).toBe(before);
      expect(await changed(next)).toEqual([]);
      await next.release(noAbort);
    }
  });
});

describe('a path that cannot be repaired', () => {
  test('makes the next run recreate the directory', async () => {
    await using home = await createKeptHome(openCloneMounter);
    const base = await layerOf(home, 'echo f > f');
    const run = await attach(home, [base]);
    const tree = dirOf(run);
    const mounter = home.open({
      ...home.files,
      unlink: (path) => (String(path) === `${tree}/stuck` ? failing('EPERM') : home.files.unlink(path)),
    });
    runScript(run, 'echo x > stuck');
    await run.release(noAbort);
    const next = await attach({ ...home, mounter }, [base]);
    expect(dirOf(next)).toBe(tree);
    expect(show(next)).toBe('./f\nf\n');
    await next.release(noAbort);
  });

  test('or set aside is left, and the run uses another directory', async () => {
    await using home = await createKeptHome(openCloneMounter);
    const base = await layerOf(home, 'echo f > f');
    const run = await attach(home, [base]);
    const tree = dirOf(run);
    const mounter = home.open({
      ...home.files,
      unlink: (path) => (String(path) === `${tree}/stuck` ? failing('EACCES') : home.files.unlink(path)),
      rename: (from, to) => {
        if (from === tree) failing('EACCES');
        home.files.rename(from, to);
      },
    });
    runScript(run, 'echo x > stuck');
    await run.release(noAbort);
    for (let round = 0; round < 2; round++) {
      const next = await attach({ ...home, mounter }, [base]);
      expect(dirOf(next)).not.toBe(tree);
      expect(show(next)).toBe('./f\nf\n');
      await next.release(noAbort);
    }
    expect(home.leftovers()).toEqual([]);
  });

  test.each(['', 'half'])('a table that is %s: the directory is recreated', async (content) => {
    await using home = await createKeptHome(openCloneMounter);
    const base = await layerOf(home, 'echo f > f');
    const run = await attach(home, [base]);
    expect(await changed(run)).toEqual([]);
    await run.release(noAbort);
    const table = `${dirOf(run)}/../table`;
    fs.writeFileSync(table, content === '' ? '' : fs.readFileSync(table).subarray(0, 50));
    const next = await attach(home, [base]);
    expect(show(next)).toBe('./f\nf\n');
    expect(await changed(next)).toEqual([]);
    await next.release(noAbort);
  });
});

describe('space is always freed:', () => {
  test('of a directory for one run, if attaching fails', async () => {
    await using home = await createKeptHome(openCloneMounter);
    const request = attachRequest(home, { kept: null });
    fs.mkdirSync(request.target);
    fs.writeFileSync(`${request.target}/host`, 'x');
    await expect(home.mounter.attach(request, noAbort)).rejects.toMatchObject({ code: 'E_MOUNT_POINT' });
    await home.mounter.discardSession(request.sessionId, noAbort);
    expect(home.leftovers()).toEqual([]);
  });

  test('of half a copy', async () => {
    await using home = await createKeptHome(openCloneMounter);
    const base = await layerOf(home, 'echo f > f; echo g > g');
    const [one, other] = [await attach(home, [base]), await attach(home, [base])];
    await other.release(noAbort);
    fs.rmSync(`${dirOf(other)}/../tree.json`);
    let copies = 0;
    const mounter = home.open({
      ...home.files,
      copy: (from, to) => (++copies === 2 ? failing('ENOSPC') : home.files.copy(from, to)),
    });
    await expect(attach({ ...home, mounter }, [base])).rejects.toMatchObject({ code: 'E_DISK_FULL' });
    expect(fs.existsSync(dirOf(other))).toBe(false);
    await one.release(noAbort);
    expect(home.leftovers()).toEqual([]);
    const next = await attach(home, [base]);
    expect(show(next)).toBe('./f\n./g\nf\ng\n');
    await next.release(noAbort);
  });

  test('of notes of removed directories, and of directories that a killed process set aside', async () => {
    await using home = await createKeptHome(openCloneMounter);
    const both = [await attach(home), await attach(home)];
    for (const each of both) await each.release(noAbort);
    const listed = await home.mounter.listKept(noAbort);
    expect(listed.length).toBe(2);
    const gone = `${home.dir}/kept/gone-abcdef`;
    fs.mkdirSync(`${gone}/tree`, { recursive: true });
    await home.mounter.removeKept(listed.slice(0, 1), noAbort);
    const left = await attach(home);
    await left.release(noAbort);
    await home.mounter.removeKept(listed, noAbort);
    home.leftovers();
    expect(fs.readdirSync(`${home.dir}/kept`)).toEqual(['sessions']);
    const next = await attach(home);
    await next.release(noAbort);
  });

  test('and a run that waits for a removed directory gets the next one, alone', async () => {
    await using home = await createKeptHome(openCloneMounter);
    const access = { files: home.files, bootId: 'boot' };
    const slots = new KeptSlots(`${home.dir}/kept`, 'clone-1', access);
    const waiters: Promise<Guard>[] = [];
    {
      using guard = await slots.guard(noAbort);
      waiters.push(slots.guard(noAbort), slots.guard(noAbort));
      fs.renameSync(slots.dir, `${home.dir}/aside`);
      guard.retire();
    }
    let held = 0;
    for (const waiter of waiters) {
      void waiter.then(() => held++);
    }
    using first = await Promise.race(waiters);
    await expect(slots.guard(AbortSignal.timeout(100))).rejects.toMatchObject({ code: 'E_ABORTED' });
    expect(held).toBe(1);
    first[Symbol.dispose]();
    for (const each of await Promise.all(waiters)) each[Symbol.dispose]();
  });

  test('and a lock that is recreated at once is retried, but a permanent obstacle is an error', async () => {
    await using home = await createKeptHome(openCloneMounter);
    const slots = new KeptSlots(`${home.dir}/kept`, 'clone-1', { files: home.files, bootId: 'boot' });
    // Simulates a process that opens the lock in the old directory and finds the new one.
    fs.mkdirSync(`${slots.dir}/guard`, { recursive: true });
    const waiter = slots.guard(noAbort);
    fs.rmdirSync(`${slots.dir}/guard`);
    (await waiter)[Symbol.dispose]();
    fs.rmSync(`${slots.dir}/guard`);
    fs.mkdirSync(`${slots.dir}/guard`);
    await expect(slots.guard(noAbort)).rejects.toThrow('unable to open database file');
  });
});
