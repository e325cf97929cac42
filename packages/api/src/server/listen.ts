import { lstatSync, renameSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CachelaneError } from '@cachelane/core';
import { socketPathBytes } from '@cachelane/protocol';

/** A socket must be in a directory of its user only. A port needs a token. */
export type ListenAt =
  | { readonly kind: 'socket'; /** Absolute and free. */ readonly path: string }
  | { readonly kind: 'port'; /** 0: any free port. */ readonly port: number; readonly token: string };

export interface BoundAddress {
  /** The endpoint, as in `CACHELANE_ENGINE`. */
  readonly text: string;
  /** 0 for a socket. */
  readonly port: number;
  /** Removes the socket after the server was closed, unless another engine has replaced it. */
  readonly remove: () => void;
}

/** Starts listening. Errors: E_USAGE. */
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
    // `listen` creates the socket before it returns. The mask gives it its mode from the start.
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
 * Returns a private name to bind; the socket is then renamed. A closing server deletes the name that it bound, which
 * could by then be another engine's socket.
 */
function nameToBind(path: string): string {
  const own = `${path}.${process.pid}`;
  if (Buffer.byteLength(own) > socketPathBytes) return path;
  // A socket is left from a dead engine with the same number. Any other file is kept.
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
  const why = cause.code === 'EADDRINUSE' ? 'another program listens there' : (cause.code ?? cause.message);
  return new CachelaneError('E_USAGE', `cannot listen at ${where}: ${why}`, {
    hint: 'choose another address with --listen',
    cause,
  });
}
