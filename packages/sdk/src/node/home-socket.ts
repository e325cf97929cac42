import { realpathSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { engineSocketPath } from '@cachelane/protocol';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Returns the socket of the engine of the user's home, the same as `cachelane serve`. Null if there can be no home. */
export function homeSocket(env: Environment): string | null {
  const homeDir = homeOf(env);
  if (homeDir === null) return null;
  const runtimeDir = env['XDG_RUNTIME_DIR'];
  return engineSocketPath({
    homeDir: realPath(homeDir),
    runtimeDir: runtimeDir !== undefined && isAbsolute(runtimeDir) ? runtimeDir : null,
    tmpDir: tmpdir(),
    uid: process.geteuid?.() ?? 0,
  });
}

function homeOf(env: Environment): string | null {
  const own = env['CACHELANE_HOME'];
  if (own !== undefined && own !== '') return isAbsolute(own) ? own : null;
  const xdg = env['XDG_CACHE_HOME'];
  if (xdg !== undefined && isAbsolute(xdg)) return join(xdg, 'cachelane');
  const home = env['HOME'] !== undefined && env['HOME'] !== '' ? env['HOME'] : homedir();
  return isAbsolute(home) ? join(home, '.cache/cachelane') : null;
}

/** Returns the path without symlinks; the same path if it does not exist yet. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
