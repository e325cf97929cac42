import type { BytePath } from '@cachelane/core';
import { filePath, type FilePath } from '../files/file-path.ts';
import { realFiles, type StoreFiles } from '../files/store-files.ts';
import type { ThreadWork } from '../threads/thread-work.ts';
import { emptyMadeFiles, setMade, type FileJob, type MadeFiles } from './file-messages.ts';
import { copyOut, putInPlace, type Reach } from './make-file.ts';
import { recordOf } from '../slots/scan-kept.ts';

/**
 * The work of a thread that creates files. Leaves every failure to the calling thread, which can change permissions
 * and report errors.
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
      // Counts as not created.
    }
  }
  return made;
}

function plainReach(root: string): Reach {
  return { run: <T>(path: BytePath, operation: (file: FilePath) => T): T => operation(filePath(root, path)) };
}
