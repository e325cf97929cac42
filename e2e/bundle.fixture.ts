import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, linkSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

const root = join(import.meta.dirname, '..');
/** Beside the bundle: what Node makes of it, as the launcher of a checkout keeps it. */
export const compiledName = 'compiled';

declare module 'vitest' {
  interface ProvidedContext {
    /** The program and its first argument: Node, and the bundle as it was when the tests began. */
    readonly cachelaneProgram: readonly [string, string];
  }
}

/**
 * Once for all e2e tests: builds the bundle if it is not up to date, and puts it and Node where every user may read them.
 * A build in the middle of the tests changes nothing for them.
 */
export function setup(project: TestProject): () => void {
  const build = spawnSync(join(root, 'scripts/build'), { encoding: 'utf8', stdio: ['ignore', 'inherit', 'inherit'] });
  if (build.status !== 0) throw new Error(`the bundle could not be built: exit code ${build.status}`);
  const dir = mkdtempSync(join(tmpdir(), 'cachelane-e2e-program-'));
  chmodSync(dir, 0o755);
  const bundle = join(dir, 'cachelane.cjs');
  const node = join(dir, 'bin/node');
  mkdirSync(join(dir, 'bin'));
  copyFileSync(join(root, 'dist/cachelane.cjs'), bundle);
  // What the bundle reads when a bucket is used, and what threads begin with.
  for (const companion of ['cachelane-s3.cjs', 'cachelane-thread.cjs']) {
    if (existsSync(join(root, 'dist', companion))) copyFileSync(join(root, 'dist', companion), join(dir, companion));
  }
  chmodSync(bundle, 0o755);
  try {
    linkSync(process.execPath, node);
  } catch {
    copyFileSync(process.execPath, node);
  }
  // For every user, each of whom has a place of his own in it.
  mkdirSync(join(dir, compiledName));
  chmodSync(join(dir, compiledName), 0o777);
  project.provide('cachelaneProgram', [node, bundle]);
  return () => rmSync(dir, { recursive: true });
}
