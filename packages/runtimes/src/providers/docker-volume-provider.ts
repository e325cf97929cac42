import { execFile } from 'node:child_process';
import { CachelaneError, parseDockerVolume, parsePlainDirectory, type Provider } from '@cachelane/core';
import { usableDirectory } from './usable-directory.ts';

export interface DockerVolumeOptions {
  /** The environment for docker. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly storeDir: string;
  /** How long to wait for the daemon's answer. */
  readonly answerMs?: number;
}

/** Provides the directory of a Docker volume, used in place. */
export function dockerVolumeProvider({ storeDir, ...docker }: DockerVolumeOptions): Provider {
  return {
    kind: 'docker-volume',
    async provide({ argument }, signal) {
      const name = parseDockerVolume(argument);
      const mountpoint = await mountpointOf(name, docker, signal);
      try {
        return { kind: 'directory', directory: usableDirectory({ directory: mountpoint, storeDir }) };
      } catch (error) {
        throw new CachelaneError(
          'E_VOLUME',
          `Docker keeps the volume ${name} in ${mountpoint}, which this process cannot use: ${(error as Error).message}`,
          {
            hint: 'the Docker daemon must run on this machine, and the directory must belong to you unless you are root',
            cause: error,
          },
        );
      }
    },
  };
}

interface Inspected {
  readonly Driver?: unknown;
  readonly Mountpoint?: unknown;
  /** Null or missing: none. */
  readonly Options?: unknown;
}

type Docker = Omit<DockerVolumeOptions, 'storeDir'>;

async function mountpointOf(name: string, docker: Docker, signal: AbortSignal): Promise<string> {
  const text = await inspect(name, docker, signal);
  let volume: Inspected;
  let mountpoint: string;
  try {
    const [first] = JSON.parse(text) as readonly Inspected[];
    volume = first ?? {};
    mountpoint = parsePlainDirectory(String(volume.Mountpoint), 'work in');
  } catch (error) {
    throw new CachelaneError('E_VOLUME', `docker does not say where it keeps the volume ${name}`, { cause: error });
  }
  requirePlain(name, volume);
  return mountpoint;
}

/**
 * Rejects volumes that Docker mounts only while a container uses them. At other times the directory is empty, and files written there would
 * be hidden by the next mount.
 */
function requirePlain(name: string, { Driver, Options }: Inspected): void {
  const options = typeof Options === 'object' && Options !== null ? Object.keys(Options) : [];
  const isMounted = options.includes('type') || options.includes('device');
  if ((Driver === undefined || Driver === 'local') && !isMounted) return;
  const what = isMounted ? 'is mounted from elsewhere' : 'has its own driver';
  throw new CachelaneError(
    'E_VOLUME',
    `the volume ${name} ${what}, so Docker mounts it only while a container uses it`,
    {
      hint: 'mount the source yourself and name its directory: dir:/path',
    },
  );
}

async function inspect(name: string, { env, answerMs = 20_000 }: Docker, signal: AbortSignal): Promise<string> {
  signal.throwIfAborted();
  return await new Promise((resolve, reject) => {
    // docker may ignore TERM.
    const end = { timeout: answerMs, killSignal: 'SIGKILL' } as const;
    const options = { env: env as NodeJS.ProcessEnv, ...end, maxBuffer: 1_048_576 };
    const stop = (): void => {
      child.kill('SIGKILL');
      reject(signal.reason as Error);
    };
    const child = execFile('docker', ['volume', 'inspect', '--', name], options, (error, stdout, stderr) => {
      signal.removeEventListener('abort', stop);
      if (error === null) resolve(stdout);
      else reject(asRefusal(name, error, stderr));
    });
    signal.addEventListener('abort', stop, { once: true });
  });
}

/** Does not repeat docker's text, which names hosts and their settings. */
function asRefusal(
  name: string,
  error: Error & { readonly code?: unknown; readonly killed?: boolean },
  stderr: string,
): Error {
  const cause = new Error(`docker ended with ${String(error.code)}`);
  if (error.code === 'ENOENT') {
    return new CachelaneError('E_VOLUME', 'docker is not installed', {
      hint: "the provider docker-volume runs docker to find the volume's directory",
      cause,
    });
  }
  if (/no such volume/i.test(stderr)) {
    return new CachelaneError('E_NOT_FOUND', `Docker has no volume ${name}`, {
      hint: `docker volume create ${name}`,
      cause,
    });
  }
  const why = error.killed === true ? 'does not answer' : 'gave an error';
  return new CachelaneError('E_VOLUME', `Docker's daemon ${why} for the volume ${name}`, {
    hint: 'run docker info for details',
    retryable: true,
    cause,
  });
}
