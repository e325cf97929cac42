import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe } from 'vitest';

function isInstalled(command: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/**
 * `describe` for suites that run real tools; skips the suite if one is not installed.
 *
 * ```ts
 * requireCommands('bwrap', 'go')('two go builds share one volume', () => { … });
 * ```
 *
 * `scripts/system-packages.txt` says which package brings a command, `scripts/test` installs it where it can.
 */
export function requireCommands(...commands: readonly string[]): ReturnType<typeof describe.skipIf> {
  return describe.skipIf(!commands.every(isInstalled));
}
