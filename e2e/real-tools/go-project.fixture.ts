import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { inject } from 'vitest';
import type { World } from '../cli.fixture.ts';

/** Parts of the standard library to compile in advance, once for all tests, because it takes seconds. */
const seedParts = ['runtime', 'fmt', 'testing', 'testing/internal/testdeps'];

/** Returns a build cache with the compiled basics of the standard library. Every user can read it, and nobody can change it. */
function goSeed(): string {
  const dir = dirname(inject('cachelaneProgram')[1]);
  const seed = join(dir, 'go-seed');
  // Two test files may need it at the same time.
  const script = `[ -e "$1"/done ] || { cd / && GOCACHE="$1" go build ${seedParts.join(' ')} && touch "$1"/done; }`;
  const build = spawnSync('flock', [`${seed}.lock`, 'sh', '-c', script, 'sh', seed], {
    env: { PATH: process.env['PATH'], HOME: dir, GOTOOLCHAIN: 'local', GOENV: 'off', GOFLAGS: '', GOPROXY: 'off' },
    encoding: 'utf8',
  });
  if (build.status !== 0) throw new Error(`the standard library could not be compiled: ${build.stderr}`);
  return seed;
}

/** Returns a shell command that adds those compiled basics to a build cache. */
export function seeding(cache: string): string {
  return `cp -R '${goSeed()}'/. "${cache}" && rm "${cache}/done"`;
}

/** Puts the seed into the project's volume `go-build`, as a compiling run would. `age` is an argument of `touch -d`. */
export async function seedGoBuild(world: World, project: string, age = 'now'): Promise<void> {
  const cache = join(world.home, '.cache/go-build');
  const script = `${seeding(cache)} && find "$1" -type f -exec touch -d "$2" {} +`;
  const run = await world.run(['sh', '-ec', script, 'sh', cache, age], {
    options: ['-v', 'go-build', '-q'],
    cwd: project,
  });
  if (run.code !== 0 || run.volume('go-build').layer === null) throw new Error(JSON.stringify([run, run.report]));
}

/** Returns the import paths that a `go build -x`, `go vet -x` or `go test -x` compiled, according to its output. */
export function compiled(output: string): readonly string[] {
  return [...output.matchAll(/\/compile .*? -p (\S+) /g)].map(([, path]) => path ?? '').toSorted();
}

/** Creates a project with files an hour old. Returns its directory. */
export function goProject(world: World, name: string, files: Readonly<Record<string, string>>): string {
  const project = world.project(name, files);
  // Go keeps no index of a directory that changed in the last two seconds. A later build would add it.
  world.exec(['find', project, '-exec', 'touch', '-d', '1 hour ago', '{}', '+']);
  return project;
}

/** Returns a module `example.com/NAME` with these packages. Each has its own function. */
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
