import { join } from 'node:path';
import type { World } from '../cli.fixture.ts';

export interface GoModule {
  /** For example `example.com/dep`. */
  readonly path: string;
  /** For example `v1.0.0`. */
  readonly version: string;
  /** Files beside `go.mod`. */
  readonly files: Readonly<Record<string, string>>;
}

/** Writes a module proxy as files (go.dev/ref/mod#goproxy-protocol). Returns its address for `GOPROXY`. */
export function moduleProxy(world: World, modules: readonly GoModule[]): string {
  const versions = Map.groupBy(modules, ({ path }) => path);
  for (const [path, published] of versions) {
    const dir = join('proxy', path, '@v');
    world.write({ [join(dir, 'list')]: published.map(({ version }) => `${version}\n`).join('') });
    for (const { version, files } of published) {
      const goMod = `module ${path}\n\ngo 1.21\n`;
      const info = JSON.stringify({ Version: version, Time: '2026-01-01T00:00:00Z' });
      world.write({ [join(dir, `${version}.info`)]: info, [join(dir, `${version}.mod`)]: goMod });
      const tree = sourceTree(world, `${path}-${version}`, { 'go.mod': goMod, ...files });
      const zip = join(world.dir, dir, `${version}.zip`);
      world.exec(['git', '-C', tree, 'archive', '--format=zip', `--prefix=${path}@${version}/`, '-o', zip, 'HEAD']);
    }
  }
  return `file://${join(world.dir, 'proxy')}`;
}

/** Creates a git repository with one commit. Returns its directory. */
export function sourceTree(world: World, name: string, files: Readonly<Record<string, string>>): string {
  const tree = world.project(join('sources', name), files);
  world.gitInit(tree);
  const identity = ['-c', 'user.name=Ann', '-c', 'user.email=ann@example.com'];
  world.exec(['git', '-C', tree, 'add', '.']);
  world.exec(['git', '-C', tree, ...identity, 'commit', '--quiet', '-m', 'all']);
  return tree;
}
