import { CachelaneError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { type Namespace, parseNamespace } from './namespace.ts';
import { escapeSegment, isEscapedSegment, percentDecode, shortenEscaped } from './segment.ts';

/** Name of a volume inside its namespace: `npm`, `go-build`. */
export type VolumeName = string & { readonly __volumeName: unique symbol };
/** Fields that separate incompatible contents, sorted by name; part of a volume's identity. */
export type Compat = Readonly<Record<string, string>>;

/** A typed volume: `npm`, or `github.com/acme/web:npm` in another namespace. */
export interface VolumeAddress {
  /** Null: the command's own namespace. */
  readonly namespace: Namespace | null;
  readonly name: VolumeName;
}

/** Parses a name: one segment of at most 128 bytes. Throws E_VOLUME with the canonical spelling as hint. */
export function parseVolumeName(text: string): VolumeName {
  if (isEscapedSegment(text) && text.length <= limits.volumeNameBytes) return text as VolumeName;
  refuseState(text);
  const plain = escapeSegment(percentDecode(text.trim()));
  const hint = plain === '' ? 'a volume name looks like this: npm' : `write it like this: ${shorten(plain)}`;
  const problem =
    text === '' ? 'is empty' : isEscapedSegment(text) ? 'is too long' : 'has characters that need escapes';
  throw new CachelaneError('E_VOLUME', `volume name ${JSON.stringify(text.slice(0, 200))} ${problem}`, { hint });
}

/**
 * Returns the volume name for any non-empty text, such as a cache key of a pipeline: escaped, and shortened if too
 * long.
 */
export function volumeNameFrom(text: string): VolumeName {
  return parseVolumeName(shorten(escapeSegment(text)));
}

/** Refuses `npm@12`, `npm@t1:local` and `npm@ab12cd`, which name a state for `diff`; escaping them would mislead. */
function refuseState(text: string): void {
  const [, volume, state] = /^([^@]+)@(\d+|[0-9a-f]{6,64}|t\d(?::.*)?)$/.exec(text) ?? [];
  if (volume === undefined || state === undefined) return;
  throw new CachelaneError(
    'E_VOLUME',
    `${JSON.stringify(text.slice(0, 200))} names a state of ${volume.slice(0, 200)}, which only cachelane diff accepts`,
    { hint: `remove @${state.slice(0, 80)}; to restore a generation, use cachelane rollback --to` },
  );
}

function shorten(escaped: string): string {
  return shortenEscaped(escaped, limits.volumeNameBytes);
}

/** Parses `NAME` or `NAMESPACE:NAME`. Throws E_VOLUME for name and form, E_NAMESPACE for the namespace. */
export function parseVolumeAddress(text: string): VolumeAddress {
  refuseState(text);
  const colon = text.lastIndexOf(':');
  if (colon >= 0) {
    return { namespace: parseNamespace(text.slice(0, colon)), name: parseVolumeName(text.slice(colon + 1)) };
  }
  const slash = text.lastIndexOf('/');
  if (slash < 0) return { namespace: null, name: parseVolumeName(text) };
  throw new CachelaneError('E_VOLUME', `${JSON.stringify(text.slice(0, 200))} is not a volume`, {
    hint: `separate namespace and volume with a colon: ${text.slice(0, slash)}:${text.slice(slash + 1)}`,
  });
}

/**
 * Returns checked fields in sorted order. Names match `[A-Za-z0-9][A-Za-z0-9._-]*`, at most 64 bytes; values have no
 * control characters, at most `limits.compatValueBytes`. Throws E_VOLUME, and E_LIMIT for more than
 * `limits.compatFields` fields.
 */
export function canonicalCompat(compat: Readonly<Record<string, string>>): Compat {
  return Object.fromEntries(compatFields(compat));
}

/** Returns the checked fields in byte order of their names. An object cannot keep that order for numeric names. */
export function compatFields(
  compat: Readonly<Record<string, string>>,
): readonly (readonly [name: string, value: string])[] {
  const fields = Object.entries(compat).toSorted(([a], [b]) => (a < b ? -1 : 1));
  if (fields.length > limits.compatFields) {
    throw new CachelaneError('E_LIMIT', `compat has ${fields.length} fields, at most ${limits.compatFields}`);
  }
  for (const [name, value] of fields) {
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) throw badCompat(name, 'is not a field name');
    // oxlint-disable-next-line no-control-regex -- values are printed, and a line break would forge a second line
    if (!value.isWellFormed() || /[\x00-\x1f\x7f]/.test(value))
      throw badCompat(name, 'has control characters in its value');
    if (new TextEncoder().encode(value).length > limits.compatValueBytes) {
      throw badCompat(name, `has a value over ${limits.compatValueBytes} bytes`);
    }
  }
  return fields;
}

function badCompat(name: string, problem: string): CachelaneError {
  return new CachelaneError('E_VOLUME', `compat field ${JSON.stringify(name.slice(0, 100))} ${problem}`);
}

/**
 * Returns one text for a record, whatever the order of its fields: `arch=x64,os=linux`, values escaped. Empty for no
 * fields. Throws as {@link canonicalCompat}.
 */
export function compatKey(compat: Readonly<Record<string, string>>): string {
  return compatFields(compat)
    .map(([name, value]) => `${name}=${escapeValue(value)}`)
    .join(',');
}

/** Values are compared byte by byte, so do not normalise them. */
function escapeValue(value: string): string {
  return value.replace(/[%,=]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** Whether a volume is shared with other machines. */
export const syncChoices = ['always', 'never'] as const;
export type Sync = (typeof syncChoices)[number];
