import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { inject } from 'vitest';
import type { World } from '../cli.fixture.ts';

/** Parts of the standard library that tests compile in advance; it takes seconds, so it is done once for all tests. */
const seedParts = ['runtime', 'fmt', 'testing', 'testing/internal/testdeps'];

/** A build cache with the compiled basics of the standard library, which every user may read and nobody may change. */
function goSeed(): string {
  const dir = dirname(inject('cachelaneProgram')[1]);
  const seed = join(dir, 'go-seed');
  // Two files of tests may ask at once.
  const script = `[ -e "$1"/done ] || { cd / && GOCACHE="$1" go build ${seedParts.join(' ')} && touch "$1"/done; }`;
  const build = spawnSync('flock', [`${seed}.lock`, 'sh', '-c', script, 'sh', seed], {
    env: { PATH: process.env['PATH'], HOME: dir, GOTOOLCHAIN: 'local', GOENV: 'off', GOFLAGS: '', GOPROXY: 'off' },
    encoding: 'utf8',
  });
  if (build.status !== 0) throw new Error(`the standard library could not be compiled: ${build.stderr}`);
  return seed;
}

/** A shell command that leaves in a build cache what compiling those basics leaves there. */
export function seeding(cache: string): string {
  return `cp -R '${goSeed()}'/. "${cache}" && rm "${cache}/done"`;
}

/** Puts the seed into the project's volume `go-build`, as a run that compiled it would; `age` as `touch -d` takes it. */
export async function seedGoBuild(world: World, project: string, age = 'now'): Promise<void> {
  const cache = join(world.home, '.cache/go-build');
  const script = `${seeding(cache)} && find "$1" -type f -exec touch -d "$2" {} +`;
  const run = await world.run(['sh', '-ec', script, 'sh', cache, age], {
    options: ['-v', 'go-build', '-q'],
    cwd: project,
  });
  if (run.code !== 0 || run.volume('go-build').layer === null) throw new Error(JSON.stringify([run, run.report]));
}

/** Import paths that a `go build -x`, `go vet -x` or `go test -x` compiled, as far as its output tells. */
export function compiled(output: string): readonly string[] {
  return [...output.matchAll(/\/compile .*? -p (\S+) /g)].map(([, path]) => path ?? '').toSorted();
}

/** A project whose files are not of this very moment; returns its directory. */
export function goProject(world: World, name: string, files: Readonly<Record<string, string>>): string {
  const project = world.project(name, files);
  // Go keeps no index of a directory that changed within the last two seconds, and would add it in a later build.
  world.exec(['find', project, '-exec', 'touch', '-d', '1 hour ago', '{}', '+']);
  return project;
}

/** A module `example.com/NAME` with these packages, each with a function of its own. */
export function goModule(name: string, packages: readonly string[]): Readonly<Record<string, string>> {
  return {
    'go.mod': `module example.com/${name}\n\ngo 1.21\n`,
    ...Object.fromEntries(
      packages.map((path) => [
        `${path}/${path}.go`,
        `package ${path}\n\nimport "fmt"\n\nfunc Name() string { return fmt.Sprint("${path}") }\n`,
      ]),
    ),
  };
}
