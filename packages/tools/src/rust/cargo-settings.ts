import type { ToolEnvironment } from '@cachelane/core';
import { directoriesUp } from '../common/project-dirs.ts';
import { pathsOf } from '../common/paths.ts';
import { tomlText } from '../common/toml.ts';

interface CargoHome {
  readonly dir: string;
  readonly source: string;
}

export function cargoHome(environment: ToolEnvironment): CargoHome {
  const { join, resolve } = pathsOf(environment);
  const variable = environment.env('CARGO_HOME');
  return variable
    ? { dir: resolve(environment.workDir, variable), source: 'CARGO_HOME in the environment' }
    : { dir: join(environment.homeDir, '.cargo'), source: "cargo's default" };
}

export interface CargoSetting {
  readonly value: string;
  /** The file that sets it. */
  readonly path: string;
  readonly byProject: boolean;
}

/** Returns a text of cargo's configuration: from the working directory, its parents, then cargo's home. */
export function cargoSetting(environment: ToolEnvironment, keys: readonly string[]): CargoSetting | undefined {
  const { join } = pathsOf(environment);
  const home = cargoHome(environment).dir;
  const dirs = [...directoriesUp(environment).map((dir) => join(dir, '.cargo')), home];
  for (const dir of dirs) {
    for (const name of ['config', 'config.toml']) {
      const path = join(dir, name);
      const value = tomlText(environment.readText(path) ?? '', keys);
      if (value !== undefined) return { value, path, byProject: dir !== home };
    }
  }
  return undefined;
}
