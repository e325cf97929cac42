import { CachelaneError } from '@cachelane/core';

/** The owner of a volume's files in a container: `1000`, `1000:1000`, `node`, `node:node`. */
export type VolumeOwner = string & { readonly __volumeOwner: unique symbol };

/** The largest 32-bit number means no owner. */
const idMax = 4_294_967_294;
const name = /^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/;
const number = /^(?:0|[1-9]\d{0,9})$/;

/** Errors: E_USAGE. */
export function parseVolumeOwner(text: string): VolumeOwner {
  const parts = text.split(':');
  if (parts.length <= 2 && parts.every(isName)) return text as VolumeOwner;
  throw new CachelaneError('E_USAGE', `${JSON.stringify(text.slice(0, 80))} is not an owner`, {
    hint: 'an owner looks like this: 1000, 1000:1000, node, node:node',
  });
}

function isName(part: string): boolean {
  return name.test(part) || (number.test(part) && Number(part) <= idMax);
}
