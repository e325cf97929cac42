import { isCachelaneError, type LayerStore } from '@cachelane/core';
import { createLayerHome, type LayerHome } from './layer-home.fixture.ts';

const noAbort = new AbortController().signal;

/** Creates a home that keeps saved layers as images, as if pulled. Layers that must not travel stay trees. */
export async function createPulledHome(): Promise<LayerHome> {
  const home = await createLayerHome({ images: true });
  let turn = Promise.resolve();
  const inTurn = (act: () => Promise<void>): Promise<void> => {
    const done = turn.then(act);
    turn = done.catch(() => undefined);
    return done;
  };
  return {
    ...home,
    sharesContent: false,
    open: (options) => asPulled(home.open(options), inTurn),
  };
}

function asPulled(store: LayerStore, inTurn: (act: () => Promise<void>) => Promise<void>): LayerStore {
  return {
    ...store,
    publish: (staged, signal) =>
      inTurn(async () => {
        await store.publish(staged, signal);
        const { image, sealedAtMs } = await store.open(staged.id, noAbort);
        if (image !== null) return;
        const { index, data } = await store.pack(staged.id, noAbort);
        try {
          const incoming = await store.unpack({ id: staged.id, index, data, sealedAtMs }, noAbort);
          store.remove([staged.id]);
          await store.publish(incoming, noAbort);
        } catch (error) {
          if (!isCachelaneError(error, 'E_LAYER_REFUSED')) throw error;
        }
      }),
  };
}
