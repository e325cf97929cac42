import { CachelaneError } from '../base/errors.ts';
import { parseNamespace, type Namespace } from '../names/namespace.ts';
import { parsePlainDirectory } from '../names/plain-directory.ts';
import { redactUrl } from '../names/remote-url.ts';
import { parseVolumeAddress, parseVolumeName, type VolumeAddress, type VolumeName } from '../names/volume.ts';
import { parseImageReference } from './image-reference.ts';

/** The built-in kinds. Other kinds come from configured modules. */
export const providerKinds = ['project', 'catalog', 'dir', 'host', 'docker-volume', 'oci', 'none'] as const;
export type ProviderKind = (typeof providerKinds)[number];

/** A provider with its argument: `dir:/mnt/pip` has the kind `dir` and the argument `/mnt/pip`. */
export interface ProviderRef {
  readonly kind: string;
  /** Without the colon; checked for built-in kinds. */
  readonly argument: string;
}

const kindText = /^[a-z][a-z0-9-]{0,63}$/;
/** Paths are the longest arguments. */
const argumentMost = 4096;

export function isProviderKind(kind: string): kind is ProviderKind {
  return (providerKinds as readonly string[]).includes(kind);
}

/** Returns the reference as display text. Arguments of external kinds may contain a password and are redacted. */
export function providerText({ kind, argument }: ProviderRef): string {
  return `${kind}:${isProviderKind(kind) ? argument : redactUrl(argument)}`;
}

/**
 * Parses `KIND:ARGUMENT`; the colon is optional without an argument. Throws E_CONFIG with the `source` of the text,
 * repeating only the kind of what may contain a password.
 */
export function parseProviderRef(text: string, source: string): ProviderRef {
  const colon = text.indexOf(':');
  const kind = colon < 0 ? text : text.slice(0, colon);
  const argument = colon < 0 ? '' : text.slice(colon + 1);
  if (!kindText.test(kind)) {
    throw broken(source, 'names no provider', `a provider is one of ${providerKinds.join(', ')}: dir:/mnt/pip, none:`);
  }
  // oxlint-disable-next-line no-control-regex -- what is printed must not forge a second line
  if (argument.length > argumentMost || /[\x00-\x1f\x7f]/.test(argument)) {
    throw broken(
      source,
      `has an invalid argument for the provider ${kind}`,
      'use at most 4096 characters, without control characters',
    );
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

/** Parses `NAME` or `NAMESPACE:NAME`; null for the requested volume itself. Throws E_CONFIG, E_NAMESPACE, E_VOLUME. */
export function parseProjectArgument(argument: string): VolumeAddress | null {
  return argument === '' ? null : parseVolumeAddress(argument);
}

export interface CatalogArgument {
  /** A namespace, or its alias from the project's file. */
  readonly catalog: Namespace;
  readonly definition: VolumeName;
}

/** Parses `NAMESPACE/NAME` or `ALIAS/NAME`. Throws E_CONFIG, E_NAMESPACE, E_VOLUME. */
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

/** Checks a name by Docker's rules. Throws E_CONFIG. */
export function parseDockerVolume(argument: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]{0,254}$/.test(argument)) return argument;
  throw new CachelaneError('E_CONFIG', 'it names no Docker volume', { hint: 'docker volume ls lists them' });
}

function requireNothing(argument: string): void {
  if (argument === '') return;
  throw new CachelaneError('E_CONFIG', 'it takes nothing after the colon', { hint: 'remove the text after the colon' });
}

function broken(source: string, problem: string, hint: string): CachelaneError {
  return new CachelaneError('E_CONFIG', `${source} ${problem}`, { hint });
}
