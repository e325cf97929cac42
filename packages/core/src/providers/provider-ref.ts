import { CachelaneError } from '../base/errors.ts';
import { parseNamespace, type Namespace } from '../names/namespace.ts';
import { parsePlainDirectory } from '../names/plain-directory.ts';
import { redactUrl } from '../names/remote-url.ts';
import { parseVolumeAddress, parseVolumeName, type VolumeAddress, type VolumeName } from '../names/volume.ts';
import { parseImageReference } from './image-reference.ts';

/** The kinds that every cachelane has. Others come from modules that a person names. */
export const providerKinds = ['project', 'catalog', 'dir', 'host', 'docker-volume', 'oci', 'none'] as const;
export type ProviderKind = (typeof providerKinds)[number];

/** What decides what a volume is made of where it runs: `dir:/mnt/pip` is of the kind `dir`, its argument `/mnt/pip`. */
export interface ProviderRef {
  readonly kind: string;
  /** Without the colon; of a kind of ours it is checked. */
  readonly argument: string;
}

const kindText = /^[a-z][a-z0-9-]{0,63}$/;
/** A path is the longest that anybody has to say. */
const argumentMost = 4096;

export function isProviderKind(kind: string): kind is ProviderKind {
  return (providerKinds as readonly string[]).includes(kind);
}

/** For people. What a kind that is none of ours is told may be an address with a password in it. */
export function providerText({ kind, argument }: ProviderRef): string {
  return `${kind}:${isProviderKind(kind) ? argument : redactUrl(argument)}`;
}

/** `KIND:ARGUMENT`; the colon may be left out where there is no argument. `source` says who gave it. Throws E_CONFIG; of what may be an address with a password only the kind is repeated. */
export function parseProviderRef(text: string, source: string): ProviderRef {
  const colon = text.indexOf(':');
  const kind = colon < 0 ? text : text.slice(0, colon);
  const argument = colon < 0 ? '' : text.slice(colon + 1);
  if (!kindText.test(kind)) {
    throw broken(source, 'names no provider', `a provider is one of ${providerKinds.join(', ')}: dir:/mnt/pip, none:`);
  }
  // oxlint-disable-next-line no-control-regex -- what is printed must not forge a second line
  if (argument.length > argumentMost || /[\x00-\x1f\x7f]/.test(argument)) {
    throw broken(source, `says of the provider ${kind} what no provider is told`, 'leave out line breaks and the like');
  }
  if (isProviderKind(kind)) requireArgument(kind, argument, source);
  return { kind, argument };
}

const checks: Readonly<Record<ProviderKind, (argument: string) => unknown>> = {
  project: parseProjectArgument,
  catalog: parseCatalogArgument,
  dir: (argument) => parsePlainDirectory(argument, 'work in'),
  host: requireNothing,
  'docker-volume': parseDockerVolume,
  oci: parseImageReference,
  none: requireNothing,
};

function requireArgument(kind: ProviderKind, argument: string, source: string): void {
  try {
    checks[kind](argument);
  } catch (error) {
    if (!(error instanceof CachelaneError)) throw error;
    const hint = error.hint === undefined ? {} : { hint: error.hint };
    throw new CachelaneError('E_CONFIG', `${source}: provider ${kind}: ${error.message}`, { ...hint, cause: error });
  }
}

/** Of the project itself, or `NAMESPACE:NAME`; null: the volume that is asked for. Throws E_CONFIG, E_NAMESPACE, E_VOLUME. */
export function parseProjectArgument(argument: string): VolumeAddress | null {
  return argument === '' ? null : parseVolumeAddress(argument);
}

export interface CatalogArgument {
  /** A namespace, or an alias of one that the project's file gives. */
  readonly catalog: Namespace;
  readonly definition: VolumeName;
}

/** `NAMESPACE/NAME`, `ALIAS/NAME`. Throws E_CONFIG, E_NAMESPACE, E_VOLUME. */
export function parseCatalogArgument(argument: string): CatalogArgument {
  const slash = argument.lastIndexOf('/');
  if (slash > 0) {
    return {
      catalog: parseNamespace(argument.slice(0, slash)),
      definition: parseVolumeName(argument.slice(slash + 1)),
    };
  }
  throw new CachelaneError('E_CONFIG', 'it names no definition of a catalog', {
    hint: 'write it like this: catalog:github.com/acme/pip-cache',
  });
}

/** As Docker has names. Throws E_CONFIG. */
export function parseDockerVolume(argument: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]{0,254}$/.test(argument)) return argument;
  throw new CachelaneError('E_CONFIG', 'it names no volume of Docker', { hint: 'docker volume ls lists them' });
}

function requireNothing(argument: string): void {
  if (argument === '') return;
  throw new CachelaneError('E_CONFIG', 'it takes nothing after the colon', { hint: 'end it with the colon' });
}

function broken(source: string, problem: string, hint: string): CachelaneError {
  return new CachelaneError('E_CONFIG', `${source} ${problem}`, { hint });
}
