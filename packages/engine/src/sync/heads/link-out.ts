import { isCachelaneError, leadsOut, type BytePath, type LayerId, type LayerStore } from '@cachelane/core';

/** Returns the first symlink of a layer that leads out of its volume, or null. Ignores damaged layers: packing reports them. */
export async function linkOut(layers: LayerStore, id: LayerId, signal: AbortSignal): Promise<BytePath | null> {
  try {
    const layer = await layers.open(id, signal);
    for (const { path, type, removed } of layer.index.entries()) {
      if (type !== 'symlink' || removed === 'counted' || removed === 'hint') continue;
      if (leadsOut(path, Buffer.from(layer.read(path)).toString('latin1'))) return path;
    }
    return null;
  } catch (error) {
    if (isCachelaneError(error, 'E_LAYER_CORRUPT') || isCachelaneError(error, 'E_LAYER_MISSING')) return null;
    throw error;
  }
}
