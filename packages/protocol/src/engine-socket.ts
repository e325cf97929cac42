import { hash } from 'node:crypto';

export interface SocketPlaces {
  /** Real path of the home whose engine it is. */
  readonly homeDir: string;
  /** `XDG_RUNTIME_DIR`; null where there is none. */
  readonly runtimeDir: string | null;
  /** For temporary files, of everybody. */
  readonly tmpDir: string;
  readonly uid: number;
}

/** `sun_path` of the kernel, without its last byte. */
export const socketPathBytes = 107;

/** Where the engine of a home listens when nobody says otherwise, so that programs find it: below the home, or, where that is too long a path for a socket, below a directory of the user. */
export function engineSocketPath({ homeDir, runtimeDir, tmpDir, uid }: SocketPlaces): string {
  const own = `${homeDir}/engine/engine.sock`;
  if (Buffer.byteLength(own) <= socketPathBytes) return own;
  const dir = runtimeDir === null ? `${tmpDir}/cachelane-${uid}` : `${runtimeDir}/cachelane`;
  return `${dir}/${hash('sha256', homeDir, 'hex').slice(0, 16)}.sock`;
}
