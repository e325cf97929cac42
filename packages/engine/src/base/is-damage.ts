import { isCachelaneError } from '@cachelane/core';

/** Returns whether an error says that a layer is missing or damaged. */
export function isDamage(error: unknown): boolean {
  return isCachelaneError(error, 'E_LAYER_MISSING', 'E_LAYER_CORRUPT');
}
