import { renameSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo, ListenOptions } from 'node:net';
import { dirname, join } from 'node:path';
import { CachelaneError } from '@cachelane/core';

/** A socket lies in a directory of its user alone. A port is for the programs of this machine that have the token. */
export type ListenAt =
  | { readonly kind: 'socket'; /** Absolute; there is nothing there. */ readonly path: string }
  | { readonly kind: 'port'; /** 0: any that is free. */ readonly port: number; readonly token: string };

export interface BoundAddress {
  /** As in `CACHELANE_ENGINE`. */
  readonly text: string;
  /** 0 for a socket. */
  readonly port: number;
}

/** Errors: E_USAGE. */
export async function listen(server: Server, at: ListenAt, backlog: number): Promise<BoundAddress> {
  try {
    if (at.kind === 'socket') {
      await bindSocket(server, at.path, backlog);
      return { text: `unix:${at.path}`, port: 0 };
    }
    await bound(server, { host: '127.0.0.1', port: at.port, backlog, exclusive: true });
    const { port } = server.address() as AddressInfo;
    return { text: `http://127.0.0.1:${port}`, port };
  } catch (cause) {
    throw unusable(at, cause as NodeJS.ErrnoException);
  }
}

/**
 * A server that closes removes whatever has the name that it was bound to, which may be the socket of another engine by then: it is bound to a name that nobody else uses, and the socket gets its own one after that.
 */
async function bindSocket(server: Server, path: string, backlog: number): Promise<void> {
  const born = join(dirname(path), `.${process.pid}`);
  // Of one that was killed in between, and had the same number.
  rmSync(born, { force: true });
  // The socket is there when the call returns, and has these rights from the start.
  const before = process.umask(0o177);
  const listening = bound(server, { path: born, backlog, exclusive: true });
  process.umask(before);
  await listening;
  renameSync(born, path);
}

async function bound(server: Server, options: ListenOptions): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options, resolve);
  });
}

function unusable(at: ListenAt, cause: NodeJS.ErrnoException): CachelaneError {
  const where = at.kind === 'port' ? `port ${at.port}` : at.path;
  const why = cause.code === 'EADDRINUSE' ? 'somebody else listens there' : (cause.code ?? cause.message);
  return new CachelaneError('E_USAGE', `it is not possible to listen at ${where}: ${why}`, {
    hint: 'choose another one with --listen',
    cause,
  });
}
