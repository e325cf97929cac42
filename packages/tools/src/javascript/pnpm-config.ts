import type { ToolEnvironment, ToolLocation } from '@cachelane/core';
import { npmSetting, type NpmSetting } from './npm-config.ts';
import { directoriesUp, manifestDirOf } from '../common/project-dirs.ts';
import { fillIn, parseNpmrc } from './npmrc.ts';
import { pathsOf } from '../common/paths.ts';
import { topLevelYaml } from '../common/yaml-scalars.ts';

const workspaceFile = 'pnpm-workspace.yaml';

/**
 * Returns the parent of pnpm's store directories. pnpm 10 reads `storeDir` of the workspace file, then npm's variables and files.
 * pnpm 11 and 12 read their own variable, the workspace file, then their own configuration. The default is the one for a
 * project on the home directory's file system.
 */
export function pnpmStoreLocation(environment: ToolEnvironment): ToolLocation | null {
  const { isAbsolute, join, resolve } = pathsOf(environment);
  const isOld = majorVersion(environment) <= 10;
  const setting = isOld ? oldSetting(environment) : newSetting(environment);
  if (setting === undefined || setting.value === '') {
    const home = dataDir(environment);
    return { path: join(home.dir, 'store'), source: home.source };
  }
  const { value, source, byProject } = setting;
  const path = isAbsolute(value)
    ? resolve(value)
    : /^~[/\\]/.test(value)
      ? join(environment.homeDir, value.slice(2))
      : resolve(workspaceDirOf(environment) ?? manifestDirOf(environment), value);
  return byProject ? { path, source, byProject } : { path, source };
}

function oldSetting(environment: ToolEnvironment): NpmSetting | undefined {
  return (
    workspaceSetting(environment) ??
    npmSetting(environment, 'store-dir') ??
    fileSetting(environment, 'rc', (text) => parseNpmrc(text).get('store-dir'))
  );
}

function newSetting(environment: ToolEnvironment): NpmSetting | undefined {
  for (const name of ['pnpm_config_store_dir', 'PNPM_CONFIG_STORE_DIR']) {
    const value = environment.env(name);
    if (value) return { value, source: `${name} in the environment`, byProject: false };
  }
  return (
    workspaceSetting(environment) ?? fileSetting(environment, 'config.yaml', (text) => topLevelYaml(text, 'storeDir'))
  );
}

function workspaceSetting(environment: ToolEnvironment): NpmSetting | undefined {
  const { join } = pathsOf(environment);
  const dir = workspaceDirOf(environment);
  const path = dir === undefined ? undefined : join(dir, workspaceFile);
  const value = path === undefined ? undefined : topLevelYaml(environment.readText(path) ?? '', 'storeDir');
  if (value === undefined) return undefined;
  return { value: fillIn(value, environment), source: `storeDir in ${path}`, byProject: true };
}

function fileSetting(
  environment: ToolEnvironment,
  name: string,
  read: (text: string) => string | undefined,
): NpmSetting | undefined {
  const { join } = pathsOf(environment);
  const path = join(configDir(environment), name);
  const value = read(environment.readText(path) ?? '');
  return value === undefined
    ? undefined
    : { value: fillIn(value, environment), source: `the store in ${path}`, byProject: false };
}

function workspaceDirOf(environment: ToolEnvironment): string | undefined {
  const { join } = pathsOf(environment);
  return directoriesUp(environment).find((dir) => environment.readText(join(dir, workspaceFile)) !== undefined);
}

interface DataDir {
  readonly dir: string;
  readonly source: string;
}

function dataDir(environment: ToolEnvironment): DataDir {
  const { join } = pathsOf(environment);
  const home = environment.env('PNPM_HOME');
  if (home) return { dir: home, source: 'PNPM_HOME in the environment' };
  const data = environment.env('XDG_DATA_HOME');
  if (data) return { dir: join(data, 'pnpm'), source: 'XDG_DATA_HOME in the environment' };
  return {
    dir: userDir(environment, { mac: ['Library', 'pnpm'], windows: ['pnpm'], other: ['.local', 'share', 'pnpm'] }),
    source: "pnpm's default",
  };
}

function configDir(environment: ToolEnvironment): string {
  const { join } = pathsOf(environment);
  const config = environment.env('XDG_CONFIG_HOME');
  if (config) return join(config, 'pnpm');
  return userDir(environment, {
    mac: ['Library', 'Preferences', 'pnpm'],
    windows: ['pnpm', 'config'],
    other: ['.config', 'pnpm'],
  });
}

interface UserDirNames {
  readonly mac: readonly string[];
  /** Below LOCALAPPDATA. */
  readonly windows: readonly string[];
  readonly other: readonly string[];
}

function userDir(environment: ToolEnvironment, { mac, windows, other }: UserDirNames): string {
  const { join } = pathsOf(environment);
  const local = environment.os === 'win32' ? environment.env('LOCALAPPDATA') : undefined;
  if (local) return join(local, ...windows);
  return join(environment.homeDir, ...(environment.os === 'darwin' ? mac : other));
}

/** Returns the major version of pnpm: the one that the project asks for, else of the first on the PATH that npm installed, else the newest. */
function majorVersion(environment: ToolEnvironment): number {
  const { join } = pathsOf(environment);
  const asked = directoriesUp(environment).map((dir) =>
    manifestField(environment, join(dir, 'package.json'), 'packageManager'),
  );
  const [, wanted] = /^pnpm@(\d+)/.exec(asked.find((text) => text !== undefined) ?? '') ?? [];
  if (wanted !== undefined) return Number(wanted);
  const installed = manifestsOnPath(environment).map((path) => manifestField(environment, path, 'version'));
  return Number.parseInt(installed.find((text) => text !== undefined) ?? '', 10) || Number.POSITIVE_INFINITY;
}

function manifestsOnPath(environment: ToolEnvironment): readonly string[] {
  const { delimiter, isAbsolute, join } = pathsOf(environment);
  const dirs = (environment.env('PATH') ?? '').split(delimiter).filter((dir) => isAbsolute(dir));
  const modules = environment.os === 'win32' ? ['node_modules'] : ['..', 'lib', 'node_modules'];
  return dirs.map((dir) =>
    /[/\\]node_modules[/\\]\.bin[/\\]?$/.test(dir)
      ? join(dir, '..', 'pnpm', 'package.json')
      : join(dir, ...modules, 'pnpm', 'package.json'),
  );
}

function manifestField(environment: ToolEnvironment, path: string, name: string): string | undefined {
  try {
    const manifest = Object(JSON.parse(environment.readText(path) ?? '{}')) as Readonly<Record<string, unknown>>;
    const value = manifest[name];
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}
