import type { ToolEnvironment, ToolLocation } from '@cachelane/core';
import { parseNpmrc } from './npmrc.ts';
import { projectDirOf } from '../common/project-dirs.ts';
import { pathsOf } from '../common/paths.ts';

/** One place that npm takes settings from; a value is as it would be used, `${NAME}` filled in. */
interface ConfigLayer {
  /** Who decided, where it is this layer. */
  source(key: string): string;
  /** The project's file, or one that it led us to. */
  readonly byProject: boolean;
  get(key: string): string | undefined;
}

export interface NpmSetting {
  readonly value: string;
  readonly source: string;
  readonly byProject: boolean;
}

/**
 * Where npm's cache lies: environment, then the project's `.npmrc`, the user's, the global one, the one beside npm itself,
 * then npm's default (@npmcli/config). The command line is the user's and is not looked at.
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

/** A setting of npm's. The layers are opened one after the other, since each can say where the next one lies. */
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

/** npm takes its variables in any case; these are the ones that are seen. */
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

/** `${NAME}` and `${NAME?}`, which is empty where there is no such variable; a backslash keeps it as it is. */
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

/** As npm resolves paths of any file: from the directory that it runs in. */
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

/** The npm that comes with the first Node on the PATH, found by its manifest. */
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
