import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSdkPackage } from './build-package.ts';

export const root: string = join(import.meta.dirname, '../..');

export interface PackedSdk {
  /** The path of the tarball. */
  readonly tarball: string;
  /** The directory `node_modules/@cachelane/sdk`, as after an installation. */
  readonly installed: string;
}

/** Packs the package with npm, as for publication, and unpacks it into a directory where programs find it. */
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

/** Platform types of a program. */
export interface CheckedFor {
  readonly types: readonly string[];
  readonly lib: readonly string[];
}

export const checkedForNode: CheckedFor = { types: ['node'], lib: ['es2024', 'esnext.disposable'] };

/** Returns the compiler's errors for modules that use the package in `dir`. The modules are `example-0.ts` and so on. */
export function typeErrors(dir: string, sources: readonly string[], { types, lib }: CheckedFor): string {
  const files = sources.map((source, index) => {
    writeFileSync(join(dir, `example-${index}.ts`), `${source}\nexport {};\n`);
    return `example-${index}.ts`;
  });
  const compilerOptions = {
    target: 'es2024',
    lib,
    module: 'nodenext',
    types,
    typeRoots: [join(root, 'node_modules/@types')],
    strict: true,
    exactOptionalPropertyTypes: true,
    allowImportingTsExtensions: true,
    erasableSyntaxOnly: true,
    noEmit: true,
    skipLibCheck: false,
  };
  writeFileSync(join(dir, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(dir, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
  const argv = [join(root, 'node_modules/typescript/bin/tsc'), '-p', dir];
  const { stdout, stderr } = spawnSync(process.execPath, argv, { cwd: dir, encoding: 'utf8' });
  return `${stdout}${stderr}`;
}
