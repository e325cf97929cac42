import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { describe, expect, test } from 'vitest';
import { digestOf, limits, type PartialDownload } from '@cachelane/core';
import { noAbort, noise, sourceOf } from '@cachelane/testkit';
import { fixedClock } from '../home/layer-home.fixture.ts';
import { openLayerFiles } from '../home/layer-files.ts';
import { createTransferHome, namesBelow, type TransferHome } from './transfer-home.fixture.ts';

const object = digestOf('an object');
const large = sourceOf(noise(limits.spooledInMemoryBytes + 1));

const partOf = (home: TransferHome): string => `${home.dir}/incoming/${object}.part`;

async function resumed(home: TransferHome): Promise<PartialDownload> {
  return await home.open().resume(object, noAbort);
}

/** Returns mode and owner. */
function factsOf(path: string): readonly unknown[] {
  const { mode, uid, gid } = fs.lstatSync(path);
  return [mode & 0o7777, uid, gid];
}

describe('files in transit', () => {
  test('are private, and are where the store format says', async () => {
    await using home = await createTransferHome();
    const own = factsOf(home.dir).slice(1);
    await using download = await resumed(home);
    await download.append(Buffer.from('x'));
    expect(factsOf(partOf(home))).toEqual([0o600, ...own]);
    await using _ = await home.open().spool(large.read(), noAbort);
    for (const dir of ['incoming', 'outgoing']) expect(factsOf(`${home.dir}/${dir}`)).toEqual([0o700, ...own]);
  });

  test.runIf(process.getuid?.() === 0)('belong to the owner of the home when root creates them', async () => {
    await using home = await createTransferHome();
    fs.chownSync(home.dir, 65_534, 65_533);
    await using _download = await resumed(home);
    await using _spooled = await home.open().spool(large.read(), noAbort);
    for (const path of [`${home.dir}/outgoing`, `${home.dir}/incoming`, partOf(home)]) {
      expect(factsOf(path).slice(1)).toEqual([65_534, 65_533]);
    }
  });

  test('do not exist for small data, and have no name for large data', async () => {
    await using home = await createTransferHome();
    await using small = await home.open().spool(sourceOf(noise(limits.spooledInMemoryBytes)).read(), noAbort);
    expect(small.sizeBytes).toBe(limits.spooledInMemoryBytes);
    expect(namesBelow(home.dir)).toEqual([]);
    const seen: string[] = [];
    const watched = async function* (): AsyncGenerator<Uint8Array> {
      for await (const piece of large.read()) {
        yield piece;
        seen.push(...namesBelow(`${home.dir}/outgoing`));
      }
    };
    await using _ = await home.open().spool(watched(), noAbort);
    expect(namesBelow(home.dir)).toEqual(['outgoing']);
    expect([...seen, ...home.leftovers()]).toEqual([]);
  });

  test('a missing home is created', async () => {
    await using home = await createTransferHome();
    fs.rmdirSync(home.dir);
    await using _ = await home.open().spool(large.read(), noAbort);
    expect(fs.lstatSync(home.dir).mode & 0o7777).toBe(0o700);
  });

  test('count as "other" in the disk usage', async () => {
    await using home = await createTransferHome();
    await using download = await resumed(home);
    await download.append(noise(3_000_000));
    const usage = await openLayerFiles({ dir: home.dir, bootId: 'boot', clock: fixedClock(0) }).usage(noAbort);
    expect(usage.otherBytes).toBeGreaterThanOrEqual(3_000_000);
    expect([usage.layersBytes, usage.derivedBytes, usage.keptDirectoriesBytes]).toEqual([0, 0, 0]);
  });
});

const elsewhere = (home: TransferHome): string => `${home.dir}/precious`;

describe('a foreign file in the place of a download', () => {
  const strangers: readonly (readonly [string, (home: TransferHome) => void])[] = [
    ['a symlink', (home) => fs.symlinkSync(elsewhere(home), partOf(home))],
    ['a symlink to nothing', (home) => fs.symlinkSync(`${home.dir}/nothing`, partOf(home))],
    ['another name of a file', (home) => fs.linkSync(elsewhere(home), partOf(home))],
    ['a pipe', (home) => execFileSync('mkfifo', [partOf(home)])],
  ];

  test.each(strangers)('that is %s is removed, and not written to', async (_, put) => {
    await using home = await createTransferHome();
    fs.mkdirSync(`${home.dir}/incoming`);
    fs.writeFileSync(elsewhere(home), 'precious');
    put(home);
    await using download = await resumed(home);
    expect(download.haveBytes).toBe(0);
    await download.append(Buffer.from('came'));
    expect(fs.readFileSync(elsewhere(home), 'utf8')).toBe('precious');
    expect(namesBelow(home.dir)).toEqual(['incoming', 'precious']);
    const stat = fs.lstatSync(partOf(home));
    expect([stat.isFile(), stat.size]).toEqual([true, 4]);
  });

  test('that is a directory is reported, and stays', async () => {
    await using home = await createTransferHome();
    fs.mkdirSync(`${partOf(home)}/mine`, { recursive: true });
    await expect(resumed(home)).rejects.toMatchObject({
      code: 'E_HOME_UNUSABLE',
      message: expect.stringMatching(/is a directory/),
    });
    expect(namesBelow(partOf(home))).toEqual(['mine']);
  });

  test('that cannot be opened is removed', async () => {
    await using home = await createTransferHome();
    await (await resumed(home))[Symbol.asyncDispose]();
    fs.writeFileSync(partOf(home), 'shut');
    fs.chmodSync(partOf(home), 0);
    await using download = await resumed(home);
    // root can open everything.
    expect(download.haveBytes).toBe(process.getuid?.() === 0 ? 4 : 0);
  });

  test('that was truncated while it was read is an error', async () => {
    await using home = await createTransferHome();
    await using first = await resumed(home);
    await first.append(noise(1000));
    await using download = await resumed(home);
    fs.truncateSync(partOf(home), 500);
    const read = async (): Promise<void> => {
      for await (const piece of download.read()) expect(piece).toHaveLength(500);
    };
    await expect(read()).rejects.toMatchObject({ code: 'E_OBJECT_CORRUPT' });
  });

  test.each(['incoming', 'outgoing'])('%s must be a real directory', async (name) => {
    await using home = await createTransferHome();
    await using other = await createTransferHome();
    fs.symlinkSync(other.dir, `${home.dir}/${name}`);
    const attempt = name === 'incoming' ? resumed(home) : home.open().spool(large.read(), noAbort);
    await expect(attempt).rejects.toMatchObject({ code: 'E_HOME_UNUSABLE', hint: expect.stringContaining('move') });
    expect(namesBelow(other.dir)).toEqual([]);
  });
});

describe('a sweep of the home', () => {
  test('deletes old files of processes that died before removing the name', async () => {
    await using home = await createTransferHome();
    await using spooled = await home.open().spool(large.read(), noAbort);
    const left = `${home.dir}/outgoing/4711.1`;
    fs.writeFileSync(left, '');
    const { mtimeMs } = fs.statSync(left);
    expect(await home.open().sweep(mtimeMs + limits.sweepGraceMs, noAbort)).toEqual([]);
    const swept = await home.open().sweep(mtimeMs + limits.sweepGraceMs + 1, noAbort);
    expect(swept).toEqual(['unfinished upload: outgoing/4711.1']);
    expect(home.leftovers()).toEqual([]);
    expect(spooled.sizeBytes).toBe(large.sizeBytes);
  });

  test('leaves foreign files', async () => {
    await using home = await createTransferHome();
    for (const dir of ['incoming', 'outgoing']) {
      fs.mkdirSync(`${home.dir}/${dir}/${object}.part`, { recursive: true });
      fs.writeFileSync(`${home.dir}/${dir}/README`, '');
    }
    expect(await home.open().sweep(Number.MAX_SAFE_INTEGER, noAbort)).toEqual([]);
    expect(home.leftovers()).toHaveLength(4);
  });

  test('works if another process left a file with the same name', async () => {
    await using home = await createTransferHome();
    fs.mkdirSync(`${home.dir}/outgoing`);
    for (let number = 1; number < 200; number++)
      fs.writeFileSync(`${home.dir}/outgoing/${process.pid}.${number}`, 'theirs');
    await using spooled = await home.open().spool(large.read(), noAbort);
    expect(spooled.digest).toBe(large.digest);
    expect(home.leftovers()).toHaveLength(199);
  });
});
