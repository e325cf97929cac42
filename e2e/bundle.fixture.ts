import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, linkSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

const root = join(import.meta.dirname, '..');

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
  // What the bundle reads when a bucket is used.
  const companion = 'cachelane-s3.cjs';
  if (existsSync(join(root, 'dist', companion))) copyFileSync(join(root, 'dist', companion), join(dir, companion));
  chmodSync(bundle, 0o755);
  try {
    linkSync(process.execPath, node);
  } catch {
    copyFileSync(process.execPath, node);
  }
  project.provide('cachelaneProgram', [node, bundle]);
  return () => rmSync(dir, { recursive: true });
}
