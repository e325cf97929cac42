import { hash } from 'node:crypto';

export interface SocketPlaces {
  /** Real path of the engine's home. */
  readonly homeDir: string;
  /** `XDG_RUNTIME_DIR`; null if not set. */
  readonly runtimeDir: string | null;
  /** The shared directory for temporary files. */
  readonly tmpDir: string;
  readonly uid: number;
}

/** The kernel's `sun_path`, without its last byte. */
export const socketPathBytes = 107;

/**
 * Returns the default socket of a home's engine: below the home, or below a user directory if that path is too long
 * for a socket.
 */
export function engineSocketPath({ homeDir, runtimeDir, tmpDir, uid }: SocketPlaces): string {
  const own = `${homeDir}/engine/engine.sock`;
  if (Buffer.byteLength(own) <= socketPathBytes) return own;
  const dir = runtimeDir === null ? `${tmpDir}/cachelane-${uid}` : `${runtimeDir}/cachelane`;
  return `${dir}/${hash('sha256', homeDir, 'hex').slice(0, 16)}.sock`;
}
