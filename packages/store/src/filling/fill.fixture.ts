import * as fs from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { BytePath, StoredLayer } from '@cachelane/core';
import { contentEntry, madeEntry } from '@cachelane/testkit';
import type { LayerHome } from '../home/layer-home.fixture.ts';
import { errnoOf } from '../files/file-errors.ts';
import { filePath } from '../files/file-path.ts';
import { OpenAccess } from '../files/open-access.ts';
import { digestFile } from '../files/read-file.ts';
import { realFiles, type StoreFiles } from '../files/store-files.ts';
import { sent, type Sent } from '../wire/sent-layer.fixture.ts';
import type { KeptPlace } from './bring-up.ts';
import type { FileJob, MadeFiles } from './file-messages.ts';
import { makeFiles } from './file-work.ts';
import { byThreads, type FileMakers, type FillOptions } from './file-makers.ts';
import type { KeptTable } from '../slots/kept-table.ts';
import { recordOf } from '../slots/scan-kept.ts';

const noAbort = new AbortController().signal;

/** Never uses helpers. */
export const alone: FillOptions = { ...byThreads, start: () => null };

/** Uses threads for any number of files, in small batches, so that many threads work on few files. */
const eagerThreads: FillOptions = { ...byThreads, worthwhileFiles: 1, batchFiles: 3 };

/**
 * Same, with threads that last for the whole process: starting one from source takes longer than all its work in a
 * test.
 */
export async function lastingThreads(): Promise<FillOptions> {
  const makers = byThreads.start();
  await makers?.ready;
  return {
    ...eagerThreads,
    start: () => makers && { ...makers, [Symbol.asyncDispose]: async () => await Promise.resolve() },
  };
}

/** Helpers with the same file operations as the process they die with. They run in turn. */
export function helpersOn(files: StoreFiles): FillOptions {
  let turn = 0;
  const make = async (job: FileJob): Promise<MadeFiles> => {
    turn += 1;
    for (let left = (turn * 7) % 4; left > 0; left -= 1) await setImmediate();
    return makeFiles(files, job);
  };
  const makers: FileMakers = {
    count: 2,
    ready: Promise.resolve(),
    make,
    [Symbol.asyncDispose]: async () => await Promise.resolve(),
  };
  return { ...eagerThreads, batchFiles: 1, start: () => makers };
}

/** Returns an empty directory to fill, beside its home's layers. */
export function placeIn({ dir }: Pick<LayerHome, 'dir'>, name: string, fill: FillOptions): KeptPlace {
  const tree = `${dir}/${name}`;
  fs.mkdirSync(`${tree}-scratch`);
  fs.mkdirSync(tree);
  const nothing = new Set<never>();
  return {
    files: realFiles,
    tree,
    scratch: `${tree}-scratch`,
    dirty: nothing,
    touched: nothing,
    owner: { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 },
    mayStay: null,
    farFutureAsNs: null,
    fill,
  };
}

export async function layerOfItems(home: LayerHome, items: readonly Sent[]): Promise<StoredLayer> {
  const store = home.open();
  const staged = await store.unpack(await sent(items), noAbort);
  await store.publish(staged, noAbort);
  return await store.open(staged.id, noAbort);
}

/** Returns files of many sizes, ten per directory. Each contains `version`. */
export function manyFiles(count: number, version = 'first'): readonly Sent[] {
  const dirs = Array.from({ length: Math.ceil(count / 10) }, (_, i) => ({ entry: madeEntry(`d${i}`).entry }));
  const files = Array.from({ length: count }, (_, i) => {
    const content = Buffer.alloc((i * 7919) % 9000, `${version} ${i} `);
    return { entry: contentEntry(`d${Math.floor(i / 10)}/f${i}`, content, { mode: 0o640 }).entry, content };
  });
  return [...dirs, ...files];
}

/** Returns everything visible of a directory and its table, except what always differs between directories. */
export function seeFilled(tree: string, table: KeptTable): readonly Seen[] {
  const access = new OpenAccess(tree, realFiles);
  const seen = [...table.paths()].map((path) => {
    const found = table.find(path);
    if (found === undefined) throw new Error('the table has no record of one of its paths');
    const { inode, birthMs, ctimeMs, ...record } = found;
    const stat = access.run(path, (file) => fs.lstatSync(file));
    const before = access.modeBefore(path);
    const there = recordOf(stat, before);
    // Later work changes a directory's times. Making a file readable changes its change time.
    const isSame = there.ctimeMs === ctimeMs || stat.isDirectory() || (there.mode & 0o400) === 0;
    return {
      path,
      record,
      isNoted: there.inode === inode && there.birthMs === birthMs && isSame && there.mode === record.mode,
      mtimeNs: stat.isDirectory() ? null : access.run(path, (file) => fs.lstatSync(file, { bigint: true })).mtimeNs,
      links: stat.isDirectory() ? null : stat.nlink,
      content: stat.isFile() ? access.run(path, digestFile).digest : null,
      target: stat.isSymbolicLink() ? access.run(path, (file) => fs.readlinkSync(file, 'latin1')) : null,
    };
  });
  for (const { path, record } of seen) if (record.type === 'dir') access.prepare(path);
  const names = namesIn(tree).length;
  access.restore();
  if (names !== seen.length) throw new Error(`${names} names are there, and ${seen.length} are noted`);
  return seen;
}

interface Seen {
  readonly path: BytePath;
  readonly isNoted: boolean;
}

/** Returns the names in a directory and below it. */
export function namesIn(dir: string): readonly string[] {
  return fs.readdirSync(dir, { recursive: true, encoding: 'latin1' }).toSorted();
}

/** Returns files that differ from the view. */
export function halfFiles(tree: string, ...layers: readonly StoredLayer[]): readonly string[] {
  return namesIn(tree).filter((path) => {
    const file = filePath(tree, path as never);
    if (!fs.lstatSync(file).isFile()) return false;
    const { digest } = digestFile(file);
    return !layers.some((layer) => layer.index.find(path as never)?.digest === digest);
  });
}

/** Returns the error of a call, as users see it. */
export async function refusal(
  call: Promise<unknown>,
): Promise<{ readonly code: string | undefined; readonly message: string } | null> {
  try {
    await call;
    return null;
  } catch (error) {
    const { code = errnoOf(error), message } = error as NodeJS.ErrnoException;
    return { code, message };
  }
}
