import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, linkSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

const root = join(import.meta.dirname, '..');
/** The directory for Node's compile cache, beside the bundle. */
export const compiledName = 'compiled';

declare module 'vitest' {
  interface ProvidedContext {
    /** The program and its first argument: Node, and a copy of the bundle from the start of the tests. */
    readonly cachelaneProgram: readonly [string, string];
  }
}

/** Builds the bundle once for all e2e tests if it is stale. Copies it and Node to where every user can read them. */
export function setup(project: TestProject): () => void {
  const build = spawnSync(join(root, 'scripts/build'), { encoding: 'utf8', stdio: ['ignore', 'inherit', 'inherit'] });
  if (build.status !== 0) throw new Error(`the bundle could not be built: exit code ${build.status}`);
  const dir = mkdtempSync(join(tmpdir(), 'cachelane-e2e-program-'));
  chmodSync(dir, 0o755);
  const bundle = join(dir, 'cachelane.cjs');
  const node = join(dir, 'bin/node');
  mkdirSync(join(dir, 'bin'));
  copyFileSync(join(root, 'dist/cachelane.cjs'), bundle);
  // The bundle loads these for buckets and for threads.
  for (const companion of ['cachelane-s3.cjs', 'cachelane-thread.cjs']) {
    if (existsSync(join(root, 'dist', companion))) copyFileSync(join(root, 'dist', companion), join(dir, companion));
  }
  chmodSync(bundle, 0o755);
  try {
    linkSync(process.execPath, node);
  } catch {
    copyFileSync(process.execPath, node);
  }
  // Every user needs write access for their own subdirectory.
  mkdirSync(join(dir, compiledName));
  chmodSync(join(dir, compiledName), 0o777);
  project.provide('cachelaneProgram', [node, bundle]);
  return () => rmSync(dir, { recursive: true });
}
