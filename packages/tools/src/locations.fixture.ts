import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Tool, ToolEnvironment } from '@cachelane/core';

export interface Setting {
  readonly name: string;
  /** `@` in values and files stands for the home directory, so tools write only below it. */
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
  /** Relative to the home directory. */
  readonly workDir?: string;
}

const quiet = { GOTOOLCHAIN: 'local', npm_config_update_notifier: 'false' };

/** Returns the location that the tool reports, and the one that we find. */
export function locations(
  tool: Tool,
  setting: Setting,
  argv: readonly [string, ...string[]],
): readonly [string, string | undefined] {
  const homeDir = realpathSync(mkdtempSync(join(tmpdir(), 'locations-')));
  // Go leaves a telemetry process running for a moment.
  using _folder = { [Symbol.dispose]: () => rmSync(homeDir, { recursive: true, maxRetries: 10, retryDelay: 50 }) };
  const workDir = join(homeDir, setting.workDir ?? 'project');
  mkdirSync(workDir, { recursive: true });
  for (const [path, text] of Object.entries(setting.files ?? {})) {
    mkdirSync(dirname(join(homeDir, path)), { recursive: true });
    writeFileSync(join(homeDir, path), text.replaceAll('@', homeDir));
  }
  const named = Object.entries(setting.env ?? {}).map(([name, value]) => [name, value.replaceAll('@', homeDir)]);
  const env: NodeJS.ProcessEnv = {
    PATH: process.env['PATH'],
    HOME: homeDir,
    ...quiet,
    ...Object.fromEntries(named),
  };
  const environment: ToolEnvironment = {
    homeDir,
    workDir,
    os: process.platform,
    arch: process.arch,
    env: (name) => env[name],
    readText(path) {
      try {
        return readFileSync(path, 'utf8');
      } catch {
        return undefined;
      }
    },
    programVersion: () => undefined,
  };
  const [command, ...args] = argv;
  const said = execFileSync(command, args, { cwd: workDir, env, encoding: 'utf8' }).trim();
  return [said, tool.locate(environment)?.path];
}
