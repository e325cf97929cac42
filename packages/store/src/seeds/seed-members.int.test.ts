import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Mount } from '@cachelane/core';
import { describe, expect, test } from 'vitest';
import type { ArchiveMember } from '../archive/archive-member.ts';
import { unpackMembers } from '../archive/unpack-members.ts';
import { openSeedFiles } from './seed-files.ts';
import { seedMembers } from './seed-members.ts';

interface Place extends Disposable {
  readonly from: string;
  readonly into: string;
  readonly home: string;
  write(path: string, content: string): void;
}

/** Makes directories that all users can access. */
function place(): Place {
  const dir = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'cachelane-seed-members-')));
  const paths = { from: join(dir, 'from'), into: join(dir, 'into'), home: join(dir, 'home') };
  for (const path of [dir, ...Object.values(paths)]) {
    fs.mkdirSync(path, { recursive: true });
    fs.chmodSync(path, 0o777);
  }
  return {
    ...paths,
    write: (path, content) => fs.writeFileSync(join(paths.from, path), content),
    [Symbol.dispose]: () => fs.rmSync(dir, { recursive: true }),
  };
}

interface Copied {
  readonly leftOut: number;
  readonly content: Readonly<Record<string, string>>;
}

/** `meanwhile` is called before each member, and before each piece of it. */
async function copied(on: Place, meanwhile: (name: string, at: 'member' | 'piece') => void): Promise<Copied> {
  let leftOut = 0;
  const disturbed = async function* (): AsyncGenerator<ArchiveMember> {
    for await (const member of seedMembers(on.from, { into: on.into, onLeftOut: () => void leftOut++ })) {
      meanwhile(member.name, 'member');
      const pieces = async function* (): AsyncGenerator<Uint8Array> {
        for await (const piece of member.data) {
          yield piece;
          meanwhile(member.name, 'piece');
        }
      };
      yield { ...member, data: pieces() };
    }
  };
  await unpackMembers(disturbed(), { dir: on.into, root: '', hardLinks: [] });
  return { leftOut, content: contentOf(on.into) };
}

function contentOf(dir: string): Record<string, string> {
  const files = fs.readdirSync(dir, { recursive: true, withFileTypes: true }).filter((each) => each.isFile());
  return Object.fromEntries(
    files.map(({ name, parentPath }) => [name, fs.readFileSync(join(parentPath, name), 'utf8')]),
  );
}

/** Runs as an ordinary user, because root can read everything. */
async function asOrdinaryUser<T>(work: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return await work();
  process.seteuid?.(65_534);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
  }
}

const noAbort = new AbortController().signal;

describe('a directory that other programs use', () => {
  test('is copied without files that vanish', async () => {
    using on = place();
    fs.mkdirSync(join(on.from, 'tmp'));
    for (const name of ['a', 'b', 'c', 'tmp/d', 'tmp/e']) on.write(name, name);
    fs.symlinkSync('a', join(on.from, 'link'));
    const met: string[] = [];
    const { leftOut, content } = await copied(on, (name, at) => {
      if (at === 'piece') return;
      if (met.push(name) > 1) return;
      fs.rmSync(on.from, { recursive: true });
      fs.mkdirSync(on.from);
    });
    // The first entry was either already open or not a file.
    expect({ leftOut, met: met.length }).toEqual({ leftOut: 0, met: 1 });
    expect(Object.keys(content)).toEqual(met.filter((name) => !['tmp', 'link'].includes(name)));
  });

  test('can be copied while they create and delete files', async () => {
    using on = place();
    for (let count = 0; count < 100; count++) on.write(`f${count}`, 'x');
    fs.mkdirSync(join(on.from, 'tmp'));
    const script = 'while :; do for i in 1 2 3 4 5 6 7 8; do : > "$0/tmp/t$i"; done; rm -f "$0"/tmp/t*; done';
    const busy = spawn('sh', ['-c', script, on.from], { stdio: 'ignore' });
    try {
      const files = openSeedFiles({ dir: on.home });
      for (let count = 0; count < 10; count++) {
        const path = fs.mkdtempSync(join(on.into, 'into-'));
        await files.look(on.from, noAbort);
        const into: Mount = { kind: 'directory', path, target: path, bind: false };
        await files.copy(on.from, { into, maxBytes: 100 }, noAbort);
        expect(fs.readdirSync(path)).toHaveLength(101);
      }
    } finally {
      busy.kill('SIGKILL');
      await once(busy, 'exit');
    }
  });

  test('that vanishes is reported as missing', async () => {
    using on = place();
    const files = openSeedFiles({ dir: on.home });
    const into: Mount = { kind: 'directory', path: on.into, target: on.into, bind: false };
    for (const ask of [
      async () => await files.look(on.from, noAbort),
      async () => await files.copy(on.from, { into, maxBytes: 100 }, noAbort),
    ]) {
      fs.mkdirSync(on.from, { recursive: true });
      // Reading yields after sixteen entries.
      for (let count = 0; count < 40; count++) on.write(`f${count}`, 'x');
      const asked = ask();
      setImmediate(() => fs.rmSync(on.from, { recursive: true }));
      await expect(asked).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
    }
  });

  test('has a whole file that changed once while it was read', async () => {
    using on = place();
    on.write('a', 'old');
    let changes = 0;
    const { leftOut, content } = await copied(on, (_name, at) => {
      if (at === 'piece' && changes++ === 0) on.write('a', 'new, and longer');
    });
    expect({ leftOut, content, changes }).toEqual({ leftOut: 0, content: { a: 'new, and longer' }, changes: 2 });
  });

  test('skips a file that keeps changing, with all its names, and reports it', async () => {
    using on = place();
    on.write('a', 'a');
    fs.linkSync(join(on.from, 'a'), join(on.from, 'also'));
    on.write('still', 'still');
    const { leftOut, content } = await copied(on, (name, at) => {
      if (at === 'piece' && name !== 'still') fs.appendFileSync(join(on.from, 'a'), 'more');
    });
    expect({ leftOut, content }).toEqual({ leftOut: 2, content: { still: 'still' } });
  });

  test('skips a file that is gone at the second read', async () => {
    using on = place();
    on.write('a', 'a');
    const { leftOut, content } = await copied(on, (_name, at) => {
      if (at === 'member') return;
      on.write('a', 'changed');
      fs.rmSync(join(on.from, 'a'));
    });
    expect({ leftOut, content }).toEqual({ leftOut: 0, content: {} });
  });

  test('is read up to the size that each file had when it was opened', async () => {
    using on = place();
    on.write('log', 'x');
    const { leftOut, content } = await copied(on, () => fs.appendFileSync(join(on.from, 'log'), 'more'));
    expect({ leftOut, content }).toEqual({ leftOut: 1, content: {} });
  });

  test('has the other names of a file whose first name vanished', async () => {
    using on = place();
    on.write('a', 'a');
    fs.linkSync(join(on.from, 'a'), join(on.from, 'b'));
    let first = '';
    const { leftOut, content } = await copied(on, (name, at) => {
      if (at === 'member' || first !== '') return;
      first = name;
      fs.rmSync(join(on.from, name));
    });
    expect({ leftOut, content }).toEqual({ leftOut: 0, content: { a: 'a', b: 'a' } });
  });
});

describe('an unreadable file or directory', () => {
  test('is skipped and reported, and the rest is copied', async () => {
    using on = place();
    const files = openSeedFiles({ dir: on.home });
    fs.mkdirSync(join(on.from, 'closed'));
    on.write('closed/in', 'in');
    on.write('secret', 'secret');
    on.write('open', 'open');
    for (const name of ['closed', 'secret']) fs.chmodSync(join(on.from, name), 0o000);
    const into: Mount = { kind: 'directory', path: on.into, target: on.into, bind: false };
    const { look, copy } = await asOrdinaryUser(async () => ({
      look: await files.look(on.from, noAbort),
      copy: await files.copy(on.from, { into, maxBytes: 100 }, noAbort),
    }));
    expect(copy).toEqual({ leftOut: 2 });
    expect(fs.readdirSync(on.into)).toEqual(['open']);
    for (const name of ['closed', 'secret']) fs.chmodSync(join(on.from, name), 0o755);
    expect((await files.look(on.from, noAbort)).stamp).not.toBe(look.stamp);
  });

  test('is an error if it is the seed itself', async () => {
    using on = place();
    const files = openSeedFiles({ dir: on.home });
    fs.chmodSync(on.from, 0o000);
    await asOrdinaryUser(async () => {
      await expect(files.look(on.from, noAbort)).rejects.toMatchObject({ code: 'E_USAGE' });
    });
  });
});
