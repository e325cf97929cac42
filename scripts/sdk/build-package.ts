import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { build } from 'rolldown';
import { declarations } from './declarations.ts';

export interface BuildRequest {
  /** The root of the repository. */
  readonly root: string;
  /** An absolute path. An existing directory is replaced. */
  readonly target: string;
}

const entries = ['index', 'node'] as const;

/** Builds a package without dependencies: our own packages are bundled, and types are beside the code. */
export async function buildSdkPackage({ root, target }: BuildRequest): Promise<void> {
  const source = join(root, 'packages/sdk');
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const { status, stdout } = spawnSync(process.execPath, [tsc, '-b', source], { cwd: root, encoding: 'utf8' });
  if (status !== 0) throw new Error(`the SDK has type errors:\n${stdout}`);
  rmSync(target, { recursive: true, force: true });
  mkdirSync(join(target, 'dist'), { recursive: true });
  await build({
    input: Object.fromEntries(entries.map((name) => [name, join(source, `src/${name}.ts`)])),
    cwd: root,
    platform: 'neutral',
    external: /^node:/,
    logLevel: 'warn',
    // Only the used code of the other packages is needed.
    treeshake: { moduleSideEffects: false },
    transform: { target: 'node24' },
    output: {
      dir: join(target, 'dist'),
      format: 'esm',
      chunkFileNames: 'shared.js',
      comments: { legal: true, annotation: true, jsdoc: false },
    },
  });
  const types = declarations(join(root, '.build/types/sdk/src'), entries);
  for (const [name, text] of types) {
    mkdirSync(dirname(join(target, 'dist', name)), { recursive: true });
    writeFileSync(join(target, 'dist', name), text);
  }
  writeFileSync(join(target, 'package.json'), `${JSON.stringify(publishedManifest(source), null, 2)}\n`);
  copyFileSync(join(root, 'LICENSE'), join(target, 'LICENSE'));
  copyFileSync(join(root, 'docs/howto/sdk.md'), join(target, 'README.md'));
}

function publishedManifest(source: string): object {
  const manifest = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8')) as Record<string, unknown>;
  // The repository's own manifest is never published.
  for (const key of ['private', 'scripts', 'devDependencies']) delete manifest[key];
  return {
    ...manifest,
    exports: { '.': exported('index'), './node': exported('node'), './package.json': './package.json' },
    files: ['dist'],
    sideEffects: false,
  };
}

function exported(name: string): object {
  return { types: `./dist/${name}.d.ts`, default: `./dist/${name}.js` };
}
