import { isCachelaneError } from '@cachelane/core';

/** Whether an error says that a layer cannot be used any more. */
export function isDamage(error: unknown): boolean {
  return isCachelaneError(error, 'E_LAYER_MISSING', 'E_LAYER_CORRUPT');
}
