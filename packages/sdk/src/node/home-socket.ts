import { realpathSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { engineSocketPath } from '@cachelane/protocol';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where the engine of the person's home listens, if one does; the same place that `cachelane serve` chooses. Null where there can be no home. */
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

/** A home that nobody has used yet has no other name. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
