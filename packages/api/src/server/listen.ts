import { lstatSync, renameSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CachelaneError } from '@cachelane/core';
import { socketPathBytes } from '@cachelane/protocol';

/** A socket lies in a directory of its user alone. A port is for the programs of this machine that have the token. */
export type ListenAt =
  | { readonly kind: 'socket'; /** Absolute; there is nothing there. */ readonly path: string }
  | { readonly kind: 'port'; /** 0: any that is free. */ readonly port: number; readonly token: string };

export interface BoundAddress {
  /** As in `CACHELANE_ENGINE`. */
  readonly text: string;
  /** 0 for a socket. */
  readonly port: number;
  /** Takes the socket away, after the server was closed; not one of another engine that is there by now. */
  readonly remove: () => void;
}

/** Errors: E_USAGE. */
export async function listen(server: Server, at: ListenAt, backlog: number): Promise<BoundAddress> {
  if (at.kind === 'port') {
    await listening(server, at, () => {
      server.listen({ host: '127.0.0.1', port: at.port, backlog, exclusive: true });
    });
    const { port } = server.address() as AddressInfo;
    return { text: `http://127.0.0.1:${port}`, port, remove: () => undefined };
  }
  const bound = nameToBind(at.path);
  await listening(server, at, () => {
    // The socket is there when the call returns, and has these rights from the start.
    const before = process.umask(0o177);
    try {
      server.listen({ path: bound, backlog, exclusive: true });
    } finally {
      process.umask(before);
    }
  });
  const own = lstatSync(bound);
  if (bound !== at.path) renameSync(bound, at.path);
  const remove = (): void => {
    const there = lstatSync(at.path, { throwIfNoEntry: false });
    if (there?.ino === own.ino && there.dev === own.dev) rmSync(at.path, { force: true });
  };
  return { text: `unix:${at.path}`, port: 0, remove };
}

/**
 * A server that is closed removes whatever is at the name that it was bound to, also where its directory was removed under it and another engine is there by now: it is bound to a name of its own, and moved.
 */
function nameToBind(path: string): string {
  const own = `${path}.${process.pid}`;
  if (Buffer.byteLength(own) > socketPathBytes) return path;
  // A dead engine's, which had the same number; what is no socket is somebody's file.
  const there = lstatSync(own, { throwIfNoEntry: false });
  if (there?.isSocket() === true) rmSync(own, { force: true });
  return there === undefined || there.isSocket() ? own : path;
}

async function listening(server: Server, at: ListenAt, start: () => void): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      reject(unusable(at, cause));
    });
    server.once('listening', resolve);
    start();
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
