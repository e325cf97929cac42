import {
  CachelaneError,
  isCachelaneError,
  parseProviderRef,
  parseVolumeName,
  type ProviderRef,
  type ProviderSourceKind,
  type ProviderWish,
  type VolumeName,
} from '@cachelane/core';
import type { HomeRequest } from '../home/home.ts';
import { validUserConfig } from '../config/user-config.ts';
import type { UserConfig } from '../config/config-types.ts';

/** Providers of `--provider`, by volume; the last of several wins. */
export type ProviderFlags = ReadonlyMap<VolumeName, ProviderRef>;

/** Provider choices outside the project's file. */
export interface ProviderWishes {
  of(name: VolumeName): readonly ProviderWish[];
  /** Volumes that a flag named. */
  readonly names: readonly VolumeName[];
  /** The user's own file, for catalog aliases; null if there is none. */
  readonly user: Pick<UserConfig, 'catalogs' | 'path'> | null;
}

export const noProviders: ProviderWishes = { of: () => [], names: [], user: null };

const flag = '--provider';
const variable = 'CACHELANE_PROVIDERS';

/** Parses `NAME=REFERENCE`. Errors: E_USAGE, E_VOLUME. */
export function parseProviderFlags(texts: readonly string[]): ProviderFlags {
  return new Map(texts.map((text) => parsePair(text, flag, 'E_USAGE')));
}

/** Errors: E_CONFIG for the environment. An unusable user's file is ignored here; opening the remote reports it. */
export async function providerWishes(
  host: HomeRequest,
  { flags, environment = host.env, by = 'environment' }: WishSources,
): Promise<ProviderWishes> {
  const said = pairsOf(environment[variable]);
  const user = await validUserConfig(host);
  const own = user?.providers ?? [];
  if (flags.size === 0 && said.size === 0 && own.length === 0) return { ...noProviders, user };
  return {
    user,
    names: [...flags.keys()],
    of(name) {
      const ofFile = own
        .filter((each) => each.name === name)
        .map(({ ref, source }) => ({ ref, by: 'user', source }) as const);
      return [...ofFile, ...wish(said.get(name), by, variable), ...wish(flags.get(name), 'flag', flag)];
    },
  };
}

export interface WishSources {
  readonly flags: ProviderFlags;
  /** The caller's environment; default: the host's. The user's file is always the host's. */
  readonly environment?: HomeRequest['env'];
  /** Who set the environment. */
  readonly by?: ProviderSourceKind;
}

export const noFlags: ProviderFlags = new Map();

function wish(ref: ProviderRef | undefined, by: ProviderSourceKind, source: string): readonly ProviderWish[] {
  return ref === undefined ? [] : [{ ref, by, source }];
}

/** Parses `npm=none:,pip=dir:/mnt/pip`. A path with a comma needs a flag or the user's file. */
function pairsOf(text: string | undefined): ProviderFlags {
  const pairs = (text ?? '').split(',').map((pair) => pair.trim());
  return new Map(pairs.filter((pair) => pair !== '').map((pair) => parsePair(pair, variable, 'E_CONFIG')));
}

function parsePair(text: string, source: string, code: 'E_USAGE' | 'E_CONFIG'): readonly [VolumeName, ProviderRef] {
  const equals = text.indexOf('=');
  const hint = `write it like this: ${source === flag ? `${flag} ` : ''}pip=dir:/mnt/pip`;
  // The text may contain a password, so it is not repeated.
  if (equals <= 0) throw new CachelaneError(code, `${source} does not name a volume and its provider`, { hint });
  try {
    return [parseVolumeName(text.slice(0, equals)), parseProviderRef(text.slice(equals + 1), source)];
  } catch (error) {
    if (!isCachelaneError(error, 'E_CONFIG') || code === 'E_CONFIG') throw error;
    throw new CachelaneError(code, error.message, { hint: error.hint ?? hint, cause: error });
  }
}
