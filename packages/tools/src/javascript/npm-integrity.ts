import { childPath, type BytePath } from '@cachelane/core';
import { hexOfBase64 } from '../drivers/text.ts';

/** Weakest first, as npm ranks them (ssri). Others rank below all of these. */
const algorithms =
  'md5 whirlpool sha1 sha224 sha256 sha384 sha512 sha3 sha3-256 sha3-384 sha3-512 sha3_256 sha3_384 sha3_512'.split(
    ' ',
  );

interface IntegrityHash {
  readonly algorithm: string;
  readonly base64: string;
}

/** Parses subresource integrity: hashes `<algorithm>-<base64>[?options]`, separated by spaces. */
function parseIntegrity(integrity: string): readonly IntegrityHash[] {
  return integrity
    .trim()
    .split(/\s+/)
    .flatMap((text) => {
      const [, algorithm, base64] = /^([a-z0-9]+)-([^?]+)(?:\?.*)?$/.exec(text) ?? [];
      return algorithm === undefined || base64 === undefined ? [] : [{ algorithm, base64 }];
    });
}

/** Returns the algorithm that npm uses; null if there is none. */
export function strongestAlgorithm(integrity: string): string | null {
  const names = parseIntegrity(integrity).map(({ algorithm }) => algorithm);
  return names.reduce<string | null>(
    (best, name) => (best === null || rankOf(name) > rankOf(best) ? name : best),
    null,
  );
}

function rankOf(algorithm: string): number {
  return algorithms.indexOf(algorithm);
}

/** Returns the paths where npm looks for this content: one for each hash of the strongest algorithm. Any one is enough. */
export function contentPathsOf(integrity: string, cacheRoot: BytePath): readonly BytePath[] {
  const strongest = strongestAlgorithm(integrity);
  return parseIntegrity(integrity).flatMap(({ algorithm, base64 }) => {
    const hex = algorithm === strongest ? hexOfBase64(base64) : null;
    if (hex === null || hex.length <= 4) return [];
    const segments = ['content-v2', algorithm, hex.slice(0, 2), hex.slice(2, 4), hex.slice(4)];
    return [segments.reduce(childPath, cacheRoot)];
  });
}
