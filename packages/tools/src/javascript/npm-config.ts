import type { ToolEnvironment, ToolLocation } from '@cachelane/core';
import { parseNpmrc } from './npmrc.ts';
import { projectDirOf } from '../common/project-dirs.ts';
import { pathsOf } from '../common/paths.ts';

/** One source of npm settings. Values have `${NAME}` filled in. */
interface ConfigLayer {
  /** Describes where a key of this layer is set. */
  source(key: string): string;
  /** Whether the file belongs to the project or was named by it. */
  readonly byProject: boolean;
  get(key: string): string | undefined;
}

export interface NpmSetting {
  readonly value: string;
  readonly source: string;
  readonly byProject: boolean;
}

/**
 * Returns npm's cache directory from the environment, then the project's, user's, global and built-in npmrc, then npm's default (@npmcli/config).
 * Ignores the command line.
 */
export function npmCacheLocation(environment: ToolEnvironment): ToolLocation | null {
  const { join } = pathsOf(environment);
  const cache = npmSetting(environment, 'cache');
  if (cache !== undefined) {
    const location = { path: resolveSetting(environment, cache.value), source: cache.source };
    return cache.byProject ? { ...location, byProject: true } : location;
  }
  const localAppData = environment.os === 'win32' ? environment.env('LOCALAPPDATA') : undefined;
  const path =
    localAppData === undefined
      ? join(environment.homeDir, environment.os === 'win32' ? 'npm-cache' : '.npm')
      : join(localAppData, 'npm-cache');
  return { path, source: "npm's default" };
}

/** Returns one npm setting. Opens the layers in order, since each can name the next one's path. */
export function npmSetting(environment: ToolEnvironment, key: string): NpmSetting | undefined {
  const { join } = pathsOf(environment);
  const layers: ConfigLayer[] = [environmentLayer(environment)];
  const get = (wanted: string): NpmSetting | undefined => {
    for (const layer of layers) {
      const value = layer.get(wanted);
      if (value !== undefined) return { value, source: layer.source(wanted), byProject: layer.byProject };
    }
    return undefined;
  };
  const pathOr = (wanted: string, fallback: string | undefined): string | undefined => {
    const setting = get(wanted);
    return setting === undefined ? fallback : resolveSetting(environment, setting.value);
  };
  const open = (path: string | undefined, byProject: boolean): void => {
    if (path !== undefined) layers.push(fileLayer(environment, path, byProject));
  };
  const isByProject = (wanted: string): boolean => get(wanted)?.byProject ?? false;

  const projectFile = join(projectDirOf(environment), '.npmrc');
  const homeFile = join(environment.homeDir, '.npmrc');
  if (projectFile !== pathOr('userconfig', homeFile)) open(projectFile, true);
  open(pathOr('userconfig', homeFile), isByProject('userconfig'));
  const install = npmInstallOf(environment);
  const prefix = pathOr('prefix', environment.env('PREFIX') ?? install?.prefix);
  const isGlobalByProject = get('globalconfig')?.byProject ?? isByProject('prefix');
  open(pathOr('globalconfig', prefix === undefined ? undefined : join(prefix, 'etc', 'npmrc')), isGlobalByProject);
  open(install === undefined ? undefined : join(install.npmDir, 'npmrc'), false);
  return get(key);
}

function environmentLayer(environment: ToolEnvironment): ConfigLayer {
  return {
    source: (key) => `npm_config_${key.replaceAll('-', '_')} in the environment`,
    byProject: false,
    get(key) {
      const value = variableNames(key)
        .map((name) => environment.env(name))
        .find((text) => text !== undefined && text !== '');
      return value === undefined ? undefined : fillIn(value.trim(), environment);
    },
  };
}

/** npm accepts any case of its variables; these two forms are read. */
function variableNames(key: string): readonly string[] {
  const plain = key.replaceAll('-', '_');
  const name = `npm_config_${plain}`;
  return [name, name.toUpperCase(), `npm_config_${plain.toUpperCase()}`, `NPM_CONFIG_${plain}`];
}

function fileLayer(environment: ToolEnvironment, path: string, byProject: boolean): ConfigLayer {
  const text = environment.readText(path);
  const settings = text === undefined ? new Map<string, string>() : parseNpmrc(text);
  return {
    source: (key) => `${key} in ${path}`,
    byProject,
    get(key) {
      const value = settings.get(key);
      return value === undefined ? undefined : fillIn(value.trim(), environment);
    },
  };
}

/** Fills in `${NAME}`, and `${NAME?}`, which may be missing. A backslash escapes it. */
function fillIn(text: string, environment: ToolEnvironment): string {
  return text.replace(
    /(?<!\\)(\\*)\$\{([^${}?]+)(\?)?\}/g,
    (whole, escapes: string, name: string, optional?: string) => {
      if (escapes.length % 2 === 1) return whole.slice((escapes.length + 1) / 2);
      return (
        escapes.slice(escapes.length / 2) + (environment.env(name) ?? (optional === undefined ? `\${${name}}` : ''))
      );
    },
  );
}

/** npm resolves paths against its working directory, whichever file sets them. */
function resolveSetting(environment: ToolEnvironment, value: string): string {
  const { resolve } = pathsOf(environment);
  const tilde = environment.os === 'win32' ? /^~[/\\]/ : /^~\//;
  return tilde.test(value) ? resolve(environment.homeDir, value.slice(2)) : resolve(environment.workDir, value);
}

interface NpmInstall {
  /** The directory that Node was installed into: `/usr/local`. */
  readonly prefix: string;
  readonly npmDir: string;
}

/** Returns the npm of the first Node on the PATH. */
function npmInstallOf(environment: ToolEnvironment): NpmInstall | undefined {
  const { delimiter, dirname, isAbsolute, join } = pathsOf(environment);
  for (const dir of (environment.env('PATH') ?? '').split(delimiter)) {
    if (!isAbsolute(dir)) continue;
    const prefix = environment.os === 'win32' ? dir : dirname(dir);
    const modules = environment.os === 'win32' ? join(prefix, 'node_modules') : join(prefix, 'lib', 'node_modules');
    const npmDir = join(modules, 'npm');
    if (environment.readText(join(npmDir, 'package.json')) !== undefined) return { prefix, npmDir };
  }
  return undefined;
}
