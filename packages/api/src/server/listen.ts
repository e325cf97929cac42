import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
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
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      reject(unusable(at, cause));
    });
    if (at.kind === 'port') {
      server.listen({ host: '127.0.0.1', port: at.port, backlog, exclusive: true }, resolve);
      return;
    }
    // The socket is there when the call returns, and has these rights from the start.
    const before = process.umask(0o177);
    try {
      server.listen({ path: at.path, backlog, exclusive: true }, resolve);
    } finally {
      process.umask(before);
    }
  });
  if (at.kind === 'socket') return { text: `unix:${at.path}`, port: 0 };
  const { port } = server.address() as AddressInfo;
  return { text: `http://127.0.0.1:${port}`, port };
}

function unusable(at: ListenAt, cause: NodeJS.ErrnoException): CachelaneError {
  const where = at.kind === 'port' ? `port ${at.port}` : at.path;
  const why = cause.code === 'EADDRINUSE' ? 'somebody else listens there' : (cause.code ?? cause.message);
  return new CachelaneError('E_USAGE', `it is not possible to listen at ${where}: ${why}`, {
    hint: 'choose another one with --listen',
    cause,
  });
}
