import { join } from 'node:path';
import type { LocalRegistry, RegistryPackage } from '@cachelane/testkit';
import type { World } from '../cli.fixture.ts';

export interface NpmProject {
  readonly name: string;
  /** Exact versions. */
  readonly dependencies: Readonly<Record<string, string>>;
  /**
   * Writes tarball URLs into the lockfile. Without them `npm ci` also needs the packuments, as with
   * `omit-lockfile-registry-resolved`.
   */
  readonly addresses?: boolean;
}

interface Manifest {
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly dist: { readonly tarball: string; readonly integrity: string };
}

/** Creates a project with `package.json` and the lockfile that npm would write. Returns its directory. */
export async function npmProject(world: World, registry: LocalRegistry, project: NpmProject): Promise<string> {
  return world.project(project.name, await npmFiles(registry, project));
}

/** Returns the files of such a project. */
export async function npmFiles(
  registry: LocalRegistry,
  { name, dependencies, addresses = true }: NpmProject,
): Promise<Readonly<Record<string, string>>> {
  const root = { name: name.replaceAll('/', '-'), version: '1.0.0', dependencies };
  const packages: Record<string, unknown> = { '': root };
  const wanted = Object.entries(dependencies);
  for (const [dependency, version] of wanted) {
    const path = join('node_modules', dependency);
    if (path in packages) continue;
    const { dist, dependencies: further = {} } = await manifestOf(registry, dependency, version);
    const resolved = addresses ? { resolved: dist.tarball } : {};
    packages[path] = { version, ...resolved, integrity: dist.integrity, dependencies: further };
    wanted.push(...Object.entries(further));
  }
  const lockfile = { name: root.name, version: '1.0.0', lockfileVersion: 3, requires: true, packages };
  return { 'package.json': JSON.stringify(root), 'package-lock.json': JSON.stringify(lockfile) };
}

async function manifestOf(registry: LocalRegistry, name: string, version: string): Promise<Manifest> {
  const response = await fetch(registry.url + name);
  const { versions } = (await response.json()) as { readonly versions: Readonly<Record<string, Manifest>> };
  const manifest = versions[version];
  if (manifest === undefined) throw new Error(`the registry has no ${name}@${version}`);
  return manifest;
}

/** Returns packages of one version with some content each: `prefix-0`, `prefix-1`, … */
export function somePackages(prefix: string, count: number): readonly RegistryPackage[] {
  return Array.from({ length: count }, (_, index) => {
    const name = `${prefix}-${index}`;
    return { name, version: '1.0.0', files: { 'index.js': `module.exports = '${name}';\n` } };
  });
}

export function versionsOf(packages: readonly RegistryPackage[]): Readonly<Record<string, string>> {
  return Object.fromEntries(packages.map(({ name, version }) => [name, version]));
}
