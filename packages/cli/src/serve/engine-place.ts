import { tmpdir } from 'node:os';
import { isAbsolute, resolve } from 'node:path';
import type { ListenAt } from '@cachelane/api';
import { CachelaneError } from '@cachelane/core';
import { engineSocketPath, parseEngineAddress } from '@cachelane/protocol';
import type { Host } from '../host/host.ts';

/** Returns the place of `--listen`, by default the home's socket. Errors: E_USAGE. */
export function placeToListen(host: Host, text: string | undefined, homeDir: string): ListenAt {
  if (text === undefined) return { kind: 'socket', path: ownSocket(host, homeDir) };
  const path = /^unix:(.+)$/s.exec(text)?.[1];
  if (path !== undefined && !path.includes('\0')) return { kind: 'socket', path: resolve(host.cwd(), path) };
  const address = parseEngineAddress(text);
  if (address?.kind === 'port' && address.host !== '::1') return anyPort(host, address.port);
  throw new CachelaneError('E_USAGE', `--listen ${JSON.stringify(text)} is not a valid address`, {
    hint: 'use unix:PATH, or 127.0.0.1:PORT, where port 0 picks a free one',
  });
}

/** With a random token. */
export function anyPort({ random }: Host, port: number = 0): ListenAt {
  return { kind: 'port', port, token: Buffer.from(random.bytes(32)).toString('base64url') };
}

function ownSocket({ env, effectiveUid }: Host, homeDir: string): string {
  const runtimeDir = env['XDG_RUNTIME_DIR'];
  return engineSocketPath({
    homeDir,
    runtimeDir: runtimeDir !== undefined && isAbsolute(runtimeDir) ? runtimeDir : null,
    tmpDir: tmpdir(),
    uid: effectiveUid,
  });
}
