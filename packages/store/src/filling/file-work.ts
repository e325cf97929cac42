import type { BytePath } from '@cachelane/core';
import { filePath, type FilePath } from '../files/file-path.ts';
import { realFiles, type StoreFiles } from '../files/store-files.ts';
import type { ThreadWork } from '../threads/thread-work.ts';
import { emptyMadeFiles, setMade, type FileJob, type MadeFiles } from './file-messages.ts';
import { copyOut, putInPlace, type Reach } from './make-file.ts';
import { recordOf } from '../slots/scan-kept.ts';

/**
 * A thread that makes files of a kept directory. What it cannot do, for whatever reason, is left to the thread that asked: that one alone opens what
 * is shut, and knows what to say.
 */
export const fileWork: ThreadWork<FileJob, MadeFiles> = (job) => {
  const answer = makeFiles(realFiles, job);
  return { answer, transfer: [answer.buffer] };
};

export function makeFiles(files: StoreFiles, { tree, orders }: FileJob): MadeFiles {
  const made = emptyMadeFiles(orders.length);
  const place = { files, tree: plainReach(tree) };
  for (const [at, order] of orders.entries()) {
    const source = plainReach(order.from.kind === 'tree' ? order.from.tree : tree);
    try {
      setMade(made, at, recordOf(putInPlace(place, order, copyOut(files, order, source)), undefined));
    } catch {
      // Left as not made.
    }
  }
  return made;
}

function plainReach(root: string): Reach {
  return { run: <T>(path: BytePath, operation: (file: FilePath) => T): T => operation(filePath(root, path)) };
}
