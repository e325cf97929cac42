import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** The directory of all measurements, outside the repository. Corpora stay; the rest is deleted at the end. */
export interface BenchDirectory {
  readonly corporaDir: string;
  /** A new, empty directory. */
  readonly runDir: string;
  /**
   * Renames a file or directory so that it is deleted at the end. Deleting a big tree at once would slow down file creation on
   * ext4 for seconds, and affect the next measurement.
   */
  discard(path: string): void;
  /** Deletes the run's directory and discarded files. */
  close(): void;
}

export function benchRoot(env: Readonly<Record<string, string | undefined>>): string {
  const own = env['CACHELANE_BENCH_DIR'];
  if (own !== undefined && own !== '') {
    if (!isAbsolute(own)) throw new Error(`CACHELANE_BENCH_DIR is not an absolute path: ${own}`);
    return own;
  }
  const cacheDir = env['XDG_CACHE_HOME'];
  return join(cacheDir !== undefined && isAbsolute(cacheDir) ? cacheDir : join(homedir(), '.cache'), 'cachelane-bench');
}

export function openBenchDirectory(root: string): BenchDirectory {
  const corporaDir = join(root, 'corpora');
  const trashDir = join(root, 'trash');
  mkdirSync(corporaDir, { recursive: true });
  mkdirSync(trashDir, { recursive: true });
  // Leftovers of a killed run are moved now and deleted at the end.
  for (const name of readdirSync(root)) {
    if (name.startsWith('run-')) renameSync(join(root, name), join(trashDir, `${name}-${process.pid}`));
  }
  const runDir = mkdtempSync(join(root, 'run-'));
  let discarded = 0;
  return {
    corporaDir,
    runDir,
    discard(path) {
      discarded += 1;
      renameSync(path, join(trashDir, `${process.pid}-${discarded}`));
    },
    close() {
      rmSync(runDir, { recursive: true, force: true });
      rmSync(trashDir, { recursive: true, force: true });
    },
  };
}
