import { CachelaneError } from '@cachelane/core';

/** Who files are to belong to where a volume is shown to a container: `1000`, `1000:1000`, `node`, `node:node`. */
export type VolumeOwner = string & { readonly __volumeOwner: unique symbol };

/** The largest number means nobody. */
const idMax = 4_294_967_294;
const name = /^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/;
const number = /^(?:0|[1-9]\d{0,9})$/;

/** Throws E_USAGE. */
export function parseVolumeOwner(text: string): VolumeOwner {
  const parts = text.split(':');
  if (parts.length <= 2 && parts.every(isName)) return text as VolumeOwner;
  throw new CachelaneError('E_USAGE', `${JSON.stringify(text.slice(0, 80))} is no owner`, {
    hint: 'an owner looks like this: 1000, 1000:1000, node, node:node',
  });
}

function isName(part: string): boolean {
  return name.test(part) || (number.test(part) && Number(part) <= idMax);
}
