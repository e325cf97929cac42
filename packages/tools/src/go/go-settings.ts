import type { ToolEnvironment } from '@cachelane/core';
import { pathsOf } from '../common/paths.ts';

interface GoSetting {
  readonly value: string;
  readonly source: string;
}

/**
 * Returns a variable as the go command reads it: a non-empty environment variable, else the file of `go env -w` (cmd/go/internal/cfg).
 * Ignores the toolchain's go.env, which sets no directory.
 */
export function goSetting(environment: ToolEnvironment, name: string): GoSetting | undefined {
  const fromEnvironment = environment.env(name);
  if (fromEnvironment) return { value: fromEnvironment, source: `${name} in the environment` };
  const path = settingsFile(environment);
  const fromFile = path === undefined ? undefined : parseSettings(environment.readText(path) ?? '').get(name);
  return fromFile ? { value: fromFile, source: `${name} in ${path}` } : undefined;
}

function settingsFile(environment: ToolEnvironment): string | undefined {
  const { join, resolve } = pathsOf(environment);
  const named = environment.env('GOENV');
  if (named === 'off') return undefined;
  if (named) return resolve(environment.workDir, named);
  const dir = userDir(environment, {
    variable: 'XDG_CONFIG_HOME',
    home: '.config',
    mac: 'Application Support',
    windows: 'AppData',
  });
  return dir === undefined ? undefined : join(dir, 'go', 'env');
}

function parseSettings(text: string): ReadonlyMap<string, string> {
  const settings = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, name, value] = /^([A-Z][^=]*)=(.*)$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) settings.set(name, value);
  }
  return settings;
}

interface UserDirNames {
  readonly variable: string;
  /** Below the home directory, if the variable is not set. */
  readonly home: string;
  /** Below `Library` on macOS. */
  readonly mac: string;
  /** The variable on Windows. */
  readonly windows: string;
}

/** Like Go's os.UserCacheDir and os.UserConfigDir. Returns undefined where they fail. */
export function userDir(environment: ToolEnvironment, names: UserDirNames): string | undefined {
  const { isAbsolute, join } = pathsOf(environment);
  switch (environment.os) {
    case 'win32':
      return environment.env(names.windows) || undefined;
    case 'darwin':
      return join(environment.homeDir, 'Library', names.mac);
    default: {
      const dir = environment.env(names.variable);
      if (!dir) return join(environment.homeDir, names.home);
      return isAbsolute(dir) ? dir : undefined;
    }
  }
}
