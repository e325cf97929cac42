import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSdkPackage } from './build-package.ts';

export const root: string = join(import.meta.dirname, '../..');

export interface PackedSdk {
  /** Path of the tarball. */
  readonly tarball: string;
  /** `node_modules/@cachelane/sdk` below the directory, as an installation leaves it. */
  readonly installed: string;
}

/** What would be published, packed by npm and unpacked into a directory where programs find it. */
export async function packSdk(dir: string): Promise<PackedSdk> {
  const target = join(dir, 'package');
  await buildSdkPackage({ root, target });
  const packed = exec('npm', ['pack', '--json', '--pack-destination', dir, target], dir);
  const [{ filename }] = JSON.parse(packed) as [{ readonly filename: string }];
  const tarball = join(dir, filename);
  const installed = join(dir, 'node_modules/@cachelane/sdk');
  mkdirSync(installed, { recursive: true });
  exec('tar', ['-xzf', tarball, '--strip-components=1', '-C', installed], dir);
  return { tarball, installed };
}

export function exec(file: string, args: readonly string[], cwd: string): string {
  const env = { ...process.env, npm_config_update_notifier: 'false', npm_config_registry: 'http://127.0.0.1:9/' };
  const { status, stdout, stderr, error } = spawnSync(file, args, { cwd, env, encoding: 'utf8' });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${file} ${args.join(' ')}: ${stdout}${stderr}`);
  return stdout;
}

export function readText(...path: readonly string[]): string {
  return readFileSync(join(...path), 'utf8');
}
