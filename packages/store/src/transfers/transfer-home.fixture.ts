import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TransferFilesFixture } from '@cachelane/testkit';
import { openTransferFiles } from './transfer-files.ts';

export interface TransferHome extends TransferFilesFixture {
  readonly dir: string;
}

/** A home in a new temporary directory. */
export function createTransferHome(): Promise<TransferHome> {
  const dir = fs.mkdtempSync(join(tmpdir(), 'cachelane-transfers-'));
  return Promise.resolve({
    dir,
    open: () => openTransferFiles({ dir }),
    age: (object, changedAtMs) => {
      fs.utimesSync(`${dir}/incoming/${object}.part`, changedAtMs / 1000, changedAtMs / 1000);
    },
    leftovers: () => ['outgoing', 'incoming'].flatMap((each) => namesBelow(`${dir}/${each}`)),
    [Symbol.asyncDispose]: () => {
      fs.rmSync(dir, { recursive: true, force: true });
      return Promise.resolve();
    },
  });
}

export function namesBelow(dir: string): readonly string[] {
  return fs.existsSync(dir) ? fs.readdirSync(dir) : [];
}
