import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join } from 'node:path';
import { build, type OutputChunk, type Plugin } from 'rolldown';

// Builds one file that starts fast and can be copied anywhere. Dynamic imports are inlined and evaluated when they are reached,
// so a command loads only its own code. An older Node can parse the file (ES2022) and prints a clear error.

const root = join(import.meta.dirname, '..');
const cli = join(root, 'packages/cli');
const target = join(root, 'dist/cachelane.cjs');
const oldestNode = 24;

const banner = `#!/usr/bin/env node
'use strict';
if (!(parseInt(process.versions.node, 10) >= ${oldestNode})) {
  process.stderr.write('cachelane needs Node.js ${oldestNode} or newer; this is ' + process.versions.node + '.\\n');
  process.exit(125);
}
// The launcher of a checkout keeps compiled code beside the bundle. The variables for that must not reach the command.
if (process.env._CACHELANE_COMPILE_CACHE === 'ours') {
  delete process.env._CACHELANE_COMPILE_CACHE;
  delete process.env.NODE_COMPILE_CACHE;
}`;

// Node has already loaded these. Others cost time (https 10 ms, child_process 2 ms), and rolldown would require them at the
// top of the file. As separate modules they load on first use.
const loadedAtStart = new Set(['buffer', 'events', 'fs', 'os', 'path', 'process', 'stream', 'url', 'util']);
const lazyPrefix = '\0builtin:';
const lazyBuiltins: Plugin = {
  name: 'lazy-builtins',
  resolveId(source, importer) {
    const name = source.replace(/^node:/, '');
    const isBuiltin = source.startsWith('node:') || builtinModules.includes(source);
    if (!isBuiltin || loadedAtStart.has(name)) return null;
    if (importer?.startsWith(lazyPrefix)) return { id: `node:${name}`, external: true };
    return `${lazyPrefix}${name}`;
  },
  load(id) {
    if (!id.startsWith(lazyPrefix)) return null;
    const name = id.slice(lazyPrefix.length);
    const getters = Object.keys(process.getBuiltinModule(`node:${name}` as 'fs')).map(
      (key) => `get ${key}() { return load().${key}; }`,
    );
    return `let loaded; const load = () => (loaded ??= require('node:${name}')); module.exports = { ${getters.join(', ')} };`;
  },
};

// The AWS SDK is larger than the rest, so it is a separate file that loads only for a bucket.
const companionName = 'cachelane-s3.cjs';
const companionSource = join(root, 'packages/remotes/src/s3/aws-sdk.ts');
const companion: Plugin = {
  name: 'companion',
  resolveId: (source) => (source.endsWith('/aws-sdk.ts') ? { id: `./${companionName}`, external: true } : null),
};

// Threads start from a separate file.
const threadName = 'cachelane-thread.cjs';
const threadSource = join(root, 'packages/store/src/threads/entry/thread.ts');
const threads: Plugin = {
  name: 'threads',
  load: (id) =>
    id.endsWith('/thread-file.ts')
      ? `import { join } from 'node:path'; export const threadFile = join(__dirname, '${threadName}');`
      : null,
};

// Short local names save 2 ms of parsing. Functions and classes keep their names for stack traces.
const minify = {
  mangle: { keepNames: true },
  compress: { keepNames: { function: true, class: true } },
  codegen: true,
};

interface Bundling {
  readonly input: string;
  readonly banner: string;
  readonly plugins: readonly Plugin[];
}

async function bundle({ input, banner, plugins }: Bundling): Promise<OutputChunk> {
  const { output } = await build({
    input,
    cwd: root,
    platform: 'node',
    write: false,
    logLevel: 'warn',
    plugins: [...plugins],
    transform: { target: 'es2022' },
    output: {
      format: 'cjs',
      postBanner: banner,
      codeSplitting: false,
      comments: { legal: true, annotation: false, jsdoc: false },
      minify,
    },
  });
  if (output.length !== 1) throw new Error(`expected one file, rolldown made ${output.length}`);
  return output[0];
}

/** Returns the licenses that must be distributed with the bundle. */
function noticesOf(moduleIds: readonly string[]): string {
  const folders = new Set<string>();
  for (const id of moduleIds) {
    const folder = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0];
    if (folder !== undefined) folders.add(folder);
  }
  const notices = [...folders].toSorted().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<
      string,
      string
    >;
    const file = join(folder, 'LICENSE');
    // Some of Amazon's packages name their license without including its text. Other packages of the same license have it.
    return `${name} ${version} (${license})\n\n${existsSync(file) ? readFileSync(file, 'utf8') : ''}`;
  });
  return ['cachelane.cjs contains:\n', ...notices].join('\n');
}

function write(path: string, code: string, mode: number): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, code);
  chmodSync(temporary, mode);
  // A source saved during the build must be newer than the bundle, although the bundle is written later.
  utimesSync(temporary, startedAt, startedAt);
  renameSync(temporary, path);
}

// Benchmarks run bundled code like users, because loading the sources takes half a second.
async function bundleForBench(): Promise<void> {
  const dir = join(root, 'dist/bench');
  for (const name of ['engine-entries', 'engine-load', 'pack', 'pull']) {
    const input = join(root, `bench/children/${name}.ts`);
    write(
      join(dir, `${name}.cjs`),
      (await bundle({ input, banner: '', plugins: [threads, lazyBuiltins] })).code,
      0o644,
    );
  }
  const thread = await bundle({ input: threadSource, banner: '', plugins: [] });
  write(join(dir, threadName), thread.code, 0o644);
}

async function bundleCli(): Promise<void> {
  const main = await bundle({ input: join(cli, 'src/main.ts'), banner, plugins: [companion, threads, lazyBuiltins] });
  const besides = [
    { name: companionName, input: companionSource },
    { name: threadName, input: threadSource },
  ].filter(({ name }) => main.code.includes(name));
  const chunks: OutputChunk[] = [main];
  // First the files that the main bundle needs.
  for (const { name, input } of besides) {
    const beside = await bundle({ input, banner: '', plugins: [] });
    write(join(dirname(target), name), beside.code, 0o644);
    chunks.push(beside);
  }
  write(target, main.code, 0o755);

  if (process.argv.includes('--package')) {
    const moduleIds = chunks.flatMap((chunk) => chunk.moduleIds);
    mkdirSync(join(cli, 'dist'), { recursive: true });
    copyFileSync(target, join(cli, 'dist/cachelane.cjs'));
    for (const { name } of besides) copyFileSync(join(dirname(target), name), join(cli, 'dist', name));
    writeFileSync(join(cli, 'dist/third-party-notices.txt'), noticesOf(moduleIds));
    copyFileSync(join(root, 'LICENSE'), join(cli, 'LICENSE'));
    if (existsSync(join(root, 'README.md'))) copyFileSync(join(root, 'README.md'), join(cli, 'README.md'));
  }
}

const startedAt = new Date();
try {
  await (process.argv.includes('--bench') ? bundleForBench() : bundleCli());
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
