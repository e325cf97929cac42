import { CachelaneError } from '../base/errors.ts';
import { parseNamespace } from '../names/namespace.ts';
import { parsePlainDirectory } from '../names/plain-directory.ts';
import { canonicalCompat, parseVolumeName } from '../names/volume.ts';
import type { Provided } from '../ports/provider.ts';

/**
 * Checks the answer of a provider, which may be foreign code. Errors: those of its names, E_CONFIG for an invalid
 * answer.
 */
export function checkProvided(said: unknown): Provided {
  const { kind, ...rest } = (typeof said === 'object' && said !== null ? said : {}) as Readonly<
    Record<string, unknown>
  >;
  switch (kind) {
    case 'volume':
      return { kind, ...checkVolume(rest) };
    case 'directory':
      return { kind, directory: parsePlainDirectory(textOf(rest, 'directory'), 'work in') };
    case 'seed':
      return { kind, directory: parsePlainDirectory(textOf(rest, 'directory'), 'seed a volume from') };
    case 'nothing':
      return { kind };
    default:
      throw new CachelaneError('E_CONFIG', 'its answer is not valid', {
        hint: 'a provider answers { kind: "volume" }, "directory", "seed" or "nothing": docs/howto/providers.md',
      });
  }
}

function checkVolume(rest: Readonly<Record<string, unknown>>): Omit<Extract<Provided, { kind: 'volume' }>, 'kind'> {
  const { namespace, name, compat } = rest;
  return {
    ...(namespace === undefined ? {} : { namespace: parseNamespace(textOf(rest, 'namespace')) }),
    ...(name === undefined ? {} : { name: parseVolumeName(textOf(rest, 'name')) }),
    ...(compat === undefined ? {} : { compat: canonicalCompat(textsOf(compat)) }),
  };
}

function textOf(rest: Readonly<Record<string, unknown>>, field: string): string {
  const value = rest[field];
  if (typeof value === 'string') return value;
  throw new CachelaneError('E_CONFIG', `its ${field} is not text`);
}

function textsOf(value: unknown): Readonly<Record<string, string>> {
  const isTexts =
    typeof value === 'object' && value !== null && Object.values(value).every((each) => typeof each === 'string');
  if (isTexts) return value as Readonly<Record<string, string>>;
  throw new CachelaneError('E_CONFIG', 'its compat does not map names to texts');
}
