import * as fs from 'node:fs';
import type { AttachedVolume, Mounter } from '@cachelane/core';
import type { MounterFixture } from '@cachelane/testkit';
import type { StoreFiles } from '../files/store-files.ts';
import { commandsIn, createOverlayHome, execute, type OverlayHome } from '../overlay/overlay-home.fixture.ts';
import type { KeptMounterOptions } from './clone-mounter.ts';
import { byThreads, type FillOptions } from '../filling/file-makers.ts';

export interface KeptHome extends Omit<MounterFixture, 'mounter'> {
  readonly dir: string;
  readonly files: StoreFiles;
  readonly mounter: Mounter;
  /** Opens a mounter, like another process. */
  open(files?: StoreFiles, fill?: FillOptions): Mounter;
}

/** Commands run in the directories themselves. */
export async function createKeptHome(
  openMounter: (options: KeptMounterOptions) => Mounter,
  bootId = 'boot',
): Promise<KeptHome> {
  const home: OverlayHome = await createOverlayHome();
  const open = (files = home.files, fill = byThreads): Mounter => openMounter({ dir: home.dir, bootId, files, fill });
  return {
    ...home,
    ...commandsIn(runScript),
    mounter: open(),
    open,
    leftovers: () => [...usersIn(`${home.dir}/kept`), ...home.leftovers()],
  };
}

export function runScript({ mount }: Pick<AttachedVolume, 'mount'>, script: string): Buffer {
  const dir = mount.kind === 'directory' ? mount.path : mount.target;
  return execute(['sh', '-euc', 'cd "$1" && exec sh -eu', 'sh', dir], script);
}

/** Returns the recorded users of kept directories, and directories for one run only. */
function usersIn(kept: string): readonly string[] {
  if (!fs.existsSync(kept)) return [];
  return fs
    .readdirSync(kept, { recursive: true, encoding: 'utf8' })
    .filter((path) => /\/users\/./.test(path) || path.startsWith('sessions/') || path.startsWith('once-'));
}
