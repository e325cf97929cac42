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

// One file that starts fast and can be copied anywhere. Dynamic imports are inlined and evaluated when they are reached,
// so a command loads only its own. An older Node can parse the file (ES2022) and prints a clear error.

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
// The launcher of a checkout keeps compiled code beside the bundle; the command that we start must not see how.
if (process.env._CACHELANE_COMPILE_CACHE === 'ours') {
  delete process.env._CACHELANE_COMPILE_CACHE;
  delete process.env.NODE_COMPILE_CACHE;
}`;

// Node has loaded these when our first line runs. Others cost time (https 10 ms, child_process 2 ms), and rolldown would
// require them all at the top of the file; as modules of their own they are loaded when something of theirs is used.
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

// Threads begin with a file of their own.
const threadName = 'cachelane-thread.cjs';
const threadSource = join(root, 'packages/store/src/threads/entry/thread.ts');
const threads: Plugin = {
  name: 'threads',
  load: (id) =>
    id.endsWith('/thread-file.ts')
      ? `import { join } from 'node:path'; export const threadFile = join(__dirname, '${threadName}');`
      : null,
};

// Local names are shortened, which saves 2 ms of parsing; functions and classes keep theirs for stack traces.
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

/** The licenses of what we bundle ask to travel with it. */
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
    // Some of Amazon's packages name their license and do not bring it; others of the same kind do.
    return `${name} ${version} (${license})\n\n${existsSync(file) ? readFileSync(file, 'utf8') : ''}`;
  });
  return ['cachelane.cjs contains:\n', ...notices].join('\n');
}

function write(path: string, code: string, mode: number): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, code);
  chmodSync(temporary, mode);
  // A source that is saved while we build is newer than the bundle, though the bundle is written after it.
  utimesSync(temporary, startedAt, startedAt);
  renameSync(temporary, path);
}

// What a bench measures runs as our users run it, not from the sources: those take half a second to be read.
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
  // First what the other one needs.
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
