import { CachelaneError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { type Namespace, parseNamespace } from './namespace.ts';
import { escapeSegment, isEscapedSegment, percentDecode, shortenEscaped } from './segment.ts';

/** Name of a volume inside its namespace: `npm`, `go-build`. */
export type VolumeName = string & { readonly __volumeName: unique symbol };
/** Who can use whose contents: sorted field names to values; part of a volume's identity. */
export type Compat = Readonly<Record<string, string>>;

/** What a person types for a volume: `npm`, or `github.com/acme/web:npm` for one of another namespace. */
export interface VolumeAddress {
  /** Null: the namespace that the command is in. */
  readonly namespace: Namespace | null;
  readonly name: VolumeName;
}

/** One segment as namespaces have them, at most 128 bytes. Throws E_VOLUME; the hint offers the canonical spelling. */
export function parseVolumeName(text: string): VolumeName {
  if (isEscapedSegment(text) && text.length <= limits.volumeNameBytes) return text as VolumeName;
  refuseState(text);
  const plain = escapeSegment(percentDecode(text.trim()));
  const hint = plain === '' ? 'a volume name looks like this: npm' : `write it like this: ${shorten(plain)}`;
  const problem =
    text === '' ? 'is empty' : isEscapedSegment(text) ? 'is too long' : 'has characters that need escapes';
  throw new CachelaneError('E_VOLUME', `volume name ${JSON.stringify(text.slice(0, 200))} ${problem}`, { hint });
}

/** The volume name for any non-empty text, such as a cache key of a pipeline: escaped, shortened where it is too long. */
export function volumeNameFrom(text: string): VolumeName {
  return parseVolumeName(shorten(escapeSegment(text)));
}

/** `npm@12`, `npm@t1:local` and `npm@ab12cd` are for who compares states; escapes would be no help to whoever means one. */
function refuseState(text: string): void {
  const [, volume, state] = /^([^@]+)@(\d+|[0-9a-f]{6,64}|t\d(?::.*)?)$/.exec(text) ?? [];
  if (volume === undefined || state === undefined) return;
  throw new CachelaneError(
    'E_VOLUME',
    `${JSON.stringify(text.slice(0, 200))} means one state of ${volume.slice(0, 200)}, which only cachelane diff takes`,
    { hint: `leave @${state.slice(0, 80)} out; cachelane rollback --to brings back what a volume was at a generation` },
  );
}

function shorten(escaped: string): string {
  return shortenEscaped(escaped, limits.volumeNameBytes);
}

/** `NAME` or `NAMESPACE:NAME`. Throws E_VOLUME for the name and the form, E_NAMESPACE for the namespace. */
export function parseVolumeAddress(text: string): VolumeAddress {
  refuseState(text);
  const colon = text.lastIndexOf(':');
  if (colon >= 0) {
    return { namespace: parseNamespace(text.slice(0, colon)), name: parseVolumeName(text.slice(colon + 1)) };
  }
  const slash = text.lastIndexOf('/');
  if (slash < 0) return { namespace: null, name: parseVolumeName(text) };
  throw new CachelaneError('E_VOLUME', `${JSON.stringify(text.slice(0, 200))} names no volume`, {
    hint: `a colon parts namespace and volume: ${text.slice(0, slash)}:${text.slice(slash + 1)}`,
  });
}

/**
 * Checks a compat record and sorts its fields. Field names are `[A-Za-z0-9][A-Za-z0-9._-]*`, at most 64 bytes; values are
 * any text without control characters, at most `limits.compatValueBytes` of UTF-8. Throws E_VOLUME, and E_LIMIT for more
 * than `limits.compatFields` fields.
 */
export function canonicalCompat(compat: Readonly<Record<string, string>>): Compat {
  return Object.fromEntries(compatFields(compat));
}

/** The checked fields in byte order of their names, which an object cannot keep for names that are numbers. */
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
 * One text for one record, whatever the order of its fields: `arch=x64,os=linux`, values escaped. The empty record's is
 * empty. Throws as {@link canonicalCompat}.
 */
export function compatKey(compat: Readonly<Record<string, string>>): string {
  return compatFields(compat)
    .map(([name, value]) => `${name}=${escapeValue(value)}`)
    .join(',');
}

/** Values are compared byte by byte, so nothing is normalised here. */
function escapeValue(value: string): string {
  return value.replace(/[%,=]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** Whether a volume is worth sending to other machines. Nothing is sent yet: this version only carries the word. */
export const syncChoices = ['always', 'never'] as const;
export type Sync = (typeof syncChoices)[number];
