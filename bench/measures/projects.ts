import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench } from '../bench.ts';
import { hasCommand, textOf } from '../processes.ts';
import { rounded, type Row, type Section } from '../table.ts';

/** Common dependencies. Each project uses some of them, so most are in several caches. */
const npmPackages = [
  'chalk@5.6.2',
  'commander@14.0.1',
  'date-fns@4.1.0',
  'debug@4.4.3',
  'dotenv@17.2.3',
  'esbuild@0.25.10',
  'execa@9.6.0',
  'express@5.1.0',
  'fastify@5.6.1',
  'glob@11.0.3',
  'lodash@4.17.21',
  'prettier@3.6.2',
  'react@19.2.0',
  'react-dom@19.2.0',
  'rxjs@7.8.2',
  'semver@7.7.2',
  'typescript@5.9.3',
  'undici@7.16.0',
  'yaml@2.8.1',
  'zod@4.1.12',
];
const packagesEach = 6;

/** Packages of the standard library, with a call of each. */
const goPackages: Readonly<Record<string, string>> = {
  'encoding/json': 'json.Valid(nil)',
  'text/template': 'template.New("a")',
  'compress/gzip': 'gzip.NewReader(nil)',
  'crypto/sha256': 'sha256.New()',
  'go/parser': 'parser.ParseExpr("a")',
  'net/url': 'url.Parse("a")',
  regexp: 'regexp.MatchString("a", "a")',
};
const goEach = 4;

/** Every third project uses Go. */
const goEvery = 3;

interface Project {
  readonly dir: string;
  readonly namespace: string;
  /** The arguments of `-v`. */
  readonly volumes: readonly string[];
  readonly first: readonly string[];
  /** The dependencies of a later state, with one more. */
  readonly later: readonly string[];
}

/**
 * Compares the disk usage of one user's projects, each created and later changed. The tools' own caches are shared by all projects
 * (`~/.npm`, Go's build cache). In a store, each project has its own. Sizes are blocks on disk, except those of contents.
 */
export function measureProjects(bench: Bench, count: number): Section {
  const projects = Array.from({ length: count }, (_, number) => projectOf(bench, number));
  for (const [number, { dir, first, later, volumes, namespace }] of projects.entries()) {
    bench.say(`project ${number + 1} of ${count}`);
    for (const command of [first, later]) {
      execFileSync(command[0] ?? '', command.slice(1), { cwd: dir, env: { ...bench.env }, stdio: 'ignore' });
      const argv = volumes.flatMap((volume) => ['-v', volume]);
      forget(bench, dir);
      textOf([launcher, 'run', '-q', '--strict', '-n', namespace, ...argv, '--', ...command], {
        cwd: dir,
        env: bench.env,
      });
    }
  }
  textOf([launcher, 'gc', '-q'], { env: bench.env });
  return { title: `${count} projects of one user`, rows: rowsOf(bench, count) };
}

const launcher = join(import.meta.dirname, '../../cachelane');

function projectOf(bench: Bench, number: number): Project {
  const dir = bench.path(join('projects', `p${number}`));
  mkdirSync(dir, { recursive: true });
  const namespace = `github.com/person/p${number}`;
  if (number % goEvery === goEvery - 1 && hasCommand('go')) {
    const names = taken(Object.keys(goPackages), goEach + 1, number);
    writeFileSync(join(dir, 'go.mod'), `module example.com/p${number}\n\ngo 1.19\n`);
    writeFileSync(join(dir, 'first.go'), program('main', names.slice(1)));
    const more = program('more', names.slice(0, 1));
    const later = ['sh', '-ec', 'printf %s "$1" >more.go; go build -o /dev/null .', 'sh', more];
    return { dir, namespace, volumes: ['go-build'], first: ['go', 'build', '-o', '/dev/null', '.'], later };
  }
  const packages = taken(npmPackages, packagesEach + 1, number);
  writeFileSync(join(dir, 'package.json'), JSON.stringify({ name: `p${number}`, private: true }));
  const install = ['npm', 'install', '--ignore-scripts', '--no-audit', '--no-fund'];
  return {
    dir,
    namespace,
    volumes: ['npm'],
    first: [...install, ...packages.slice(1)],
    later: [...install, ...packages],
  };
}

/** Returns some items, chosen by the project's number. */
function taken(all: readonly string[], count: number, number: number): readonly string[] {
  const order = (text: string): string => createHash('sha256').update(`${text} ${number}`).digest('hex');
  return all.toSorted((a, b) => (order(a) < order(b) ? -1 : 1)).slice(0, count);
}

/** Returns a source file: `main` for the first file of a program, any other name for another one. */
function program(name: string, packages: readonly string[]): string {
  const imports = packages.map((each) => `\t"${each}"`).join('\n');
  const calls = packages.map((each) => `\t${goPackages[each]}`).join('\n');
  return `package main\n\nimport (\n${imports}\n)\n\nfunc ${name}() {\n${calls}\n}\n`;
}

/** Deletes the project's other files, so that the same work is repeated. */
function forget(bench: Bench, dir: string): void {
  for (const name of ['node_modules', 'package-lock.json']) {
    if (existsSync(join(dir, name))) bench.directory.discard(join(dir, name));
  }
}

/** Returns the size on disk of each path in turn. Shared blocks count for the first path. */
function diskBytes(paths: readonly string[]): readonly number[] {
  const there = paths.filter((path) => existsSync(path));
  const lines = there.length === 0 ? [] : textOf(['du', '-s', '--block-size=1', '--', ...there]).split('\n');
  const found = new Map(lines.map((line) => [line.slice(line.indexOf('\t') + 1), Number(/^\d+/.exec(line)?.[0])]));
  return paths.map((path) => found.get(path) ?? 0);
}

interface Contents {
  /** The size of all files. */
  readonly bytes: number;
  /** The size with each content counted once. */
  readonly distinctBytes: number;
  readonly files: number;
}

/** Returns the sizes. A file with several names in one tree counts once. */
function contentsIn(dirs: readonly string[]): Contents {
  const seen = new Set<string>();
  const inodes = new Set<number>();
  let [bytes, distinctBytes, files] = [0, 0, 0];
  for (const dir of dirs) {
    for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      const { ino } = statSync(path);
      if (inodes.has(ino)) continue;
      inodes.add(ino);
      const content = readFileSync(path);
      const digest = createHash('sha256').update(content).digest('hex');
      files += 1;
      bytes += content.length;
      if (!seen.has(digest)) distinctBytes += content.length;
      seen.add(digest);
    }
  }
  return { bytes, distinctBytes, files };
}

function rowsOf(bench: Bench, count: number): readonly Row[] {
  const volume = `${count} projects`;
  const home = bench.env['HOME'] ?? '';
  const hostDirs = [join(home, '.npm'), join(home, '.cache/go-build')].filter((dir) => existsSync(dir));
  const host = diskBytes(hostDirs).reduce((sum, each) => sum + each, 0);
  const layersDir = join(bench.storeDir, 'layers');
  const ids = readdirSync(layersDir);
  const images = diskBytes(ids.map((id) => join(layersDir, id, 'image.erofs'))).reduce((sum, each) => sum + each, 0);
  const [layers = 0, derived = 0, kept = 0] = diskBytes(
    ['layers', 'derived', 'kept'].map((name) => join(bench.storeDir, name)),
  );
  const [all = 0] = diskBytes([bench.storeDir]);
  const contents = contentsIn(ids.map((id) => join(layersDir, id, 'tree')));
  const own = contentsIn(hostDirs);
  const indexes = ids.reduce((sum, id) => sum + statSync(join(layersDir, id, 'index')).size, 0);
  const row = (what: string, bytes: number, peer?: number): Row => ({
    what,
    volume,
    measured: megabytes(bytes),
    ...(peer === undefined
      ? {}
      : { peer: `the tools’ shared caches ${megabytes(peer)}`, ratio: `${rounded(peer / bytes)}x` }),
  });
  return [
    row('the store on disk', all, host),
    row(`- layers (${ids.length})`, layers - images),
    row('- layers in images', images),
    row('- derived layers, beyond the contents of layers', derived),
    row('- kept directories', kept),
    row('- metadata and the rest', all - layers - derived - kept),
    row(`contents of layers, ${contents.files.toLocaleString('en-US')} files`, contents.bytes, own.bytes),
    row('- contents that are also in layers of other projects', contents.bytes - contents.distinctBytes),
    row('- each content once', contents.distinctBytes, own.distinctBytes),
    row('- indexes of the layers', indexes),
    row('directories and partly filled blocks', layers - images - contents.bytes - indexes, host - own.bytes),
  ];
}

function megabytes(bytes: number): string {
  return `${rounded(bytes / 1e6)} MB`;
}
