import { CachelaneError, parseVolumeAddress, type LayerId } from '@cachelane/core';
import { defineCommand, jsonOption, projectOptions, type Command } from '../../host/command.ts';
import { findVolume } from '../../context/find-volume.ts';
import { headsOf } from '../../inspect/heads.ts';
import { layerJson, layerText, readLayer } from '../../inspect/inspect-layer.ts';
import { volumeJson, volumeText } from '../../inspect/inspect-volume.ts';
import { printJson } from '../../host/print.ts';
import { readStore, type ReadStore } from '../../home/store.ts';

export const inspect: Command = defineCommand({
  name: 'inspect',
  summary: 'show the head and layers of a volume, or one layer',
  examples: ['cachelane inspect npm', 'cachelane inspect 4f2a6b'],
  options: { ...projectOptions, ...jsonOption },
  operands: [{ name: 'VOLUME|LAYER', help: 'NAME, NAMESPACE:NAME, or the first 6 to 64 hex digits of a layer' }],
  async run({ options, operands }, host) {
    const subject = operands['VOLUME|LAYER'];
    return await readStore(host, async (store) => {
      const id = await layerOf(store, subject);
      if (id !== null) {
        const layer = await readLayer(store, id);
        if (options.json) printJson(host, layerJson(layer));
        else host.stdout.write(layerText(layer));
        return 0;
      }
      const found = await findVolume(host, store, { ...options, volume: subject });
      const heads = await headsOf(store, found.variants, null);
      if (options.json) printJson(host, volumeJson(found, heads));
      else host.stdout.write(volumeText(found, heads));
      return 0;
    });
  },
});

const layerPrefix = /^[0-9a-f]{6,64}$/;

/** Returns null if the text names a volume. A layer id wins over a volume name. */
async function layerOf(store: ReadStore, subject: string): Promise<LayerId | null> {
  if (!layerPrefix.test(subject)) {
    parseVolumeAddress(subject);
    return null;
  }
  const found = (await (await store.layers()).list(store.signal)).filter(({ id }) => id.startsWith(subject));
  if (found.length > 1) {
    throw new CachelaneError('E_NOT_FOUND', `${found.length} layers begin with ${subject}`, {
      hint: 'give more digits',
    });
  }
  if (found[0] === undefined && subject.length === 64) {
    throw new CachelaneError('E_NOT_FOUND', `the store has no layer ${subject}`, {
      hint: 'cachelane log VOLUME lists the layers of a volume',
    });
  }
  return found[0]?.id ?? null;
}
