import { execFile } from 'node:child_process';
import { CachelaneError, parseDockerVolume, parsePlainDirectory, type Provider } from '@cachelane/core';
import { usableDirectory } from './usable-directory.ts';

export interface DockerVolumeOptions {
  /** Where docker and its daemon are found. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly storeDir: string;
  /** How long the daemon has; a daemon that does not answer is none. */
  readonly answerMs?: number;
}

/** The directory that Docker keeps a volume in, to work in. */
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
          `Docker keeps the volume ${name} in ${mountpoint}, which cannot be worked in from here: ${(error as Error).message}`,
          {
            hint: 'its daemon has to run on this machine, and the directory must be yours; root may work there',
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
  /** Null, or left out: none. */
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

/** What Docker mounts, it mounts while a container has it: at other times the directory is an empty one of the same name, and what a run puts there is lost below the mount. */
function requirePlain(name: string, { Driver, Options }: Inspected): void {
  const options = typeof Options === 'object' && Options !== null ? Object.keys(Options) : [];
  const isMounted = options.includes('type') || options.includes('device');
  if ((Driver === undefined || Driver === 'local') && !isMounted) return;
  const how = isMounted ? 'mounts it from elsewhere' : `keeps it by a driver of its own`;
  throw new CachelaneError('E_VOLUME', `Docker ${how} while a container has the volume ${name}, and only then`, {
    hint: 'mount the same yourself and name its directory: dir:/path',
  });
}

async function inspect(name: string, { env, answerMs = 20_000 }: Docker, signal: AbortSignal): Promise<string> {
  signal.throwIfAborted();
  return await new Promise((resolve, reject) => {
    // Who does not answer may not listen either; a signal that Node is given ends it by TERM, whatever is said here.
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

/** What docker says is not repeated, nor is an error that does: it names hosts, and what is set up for them. */
function asRefusal(
  name: string,
  error: Error & { readonly code?: unknown; readonly killed?: boolean },
  stderr: string,
): Error {
  const cause = new Error(`docker ended with ${String(error.code)}`);
  if (error.code === 'ENOENT') {
    return new CachelaneError('E_VOLUME', 'there is no docker here', {
      hint: 'the provider docker-volume asks the program docker where a volume lies',
      cause,
    });
  }
  if (/no such volume/i.test(stderr)) {
    return new CachelaneError('E_NOT_FOUND', `Docker has no volume ${name}`, {
      hint: `docker volume create ${name}`,
      cause,
    });
  }
  const why = error.killed === true ? 'does not answer' : 'cannot be asked';
  return new CachelaneError('E_VOLUME', `Docker's daemon ${why} for the volume ${name}`, {
    hint: 'docker info tells more',
    retryable: true,
    cause,
  });
}
