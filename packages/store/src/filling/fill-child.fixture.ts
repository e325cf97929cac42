import { attachRequest } from '@cachelane/testkit';
import { openLayerFiles } from '../home/layer-files.ts';
import { fixedClock } from '../home/layer-home.fixture.ts';
import { bringUp } from './bring-up.ts';
import { openCloneMounter } from '../kept/clone-mounter.ts';
import { alone, halfFiles, lastingThreads, namesIn, placeIn, refusal } from './fill.fixture.ts';
import { emptyTable } from '../slots/kept-table.ts';

// A process that fills a directory. Arguments: a home, one of its layers, `alone` or `threads`, and an empty directory,
// or `attach` to fill one for a run.

const [, , home = '', key = '', how = '', where = ''] = process.argv;
const noAbort = new AbortController().signal;
const images = async (): Promise<boolean> => await Promise.resolve(false);
const store = openLayerFiles({ dir: home, bootId: 'boot', clock: fixedClock(0), images });
const layer = await store.open(key as never, noAbort);
const fill = how === 'threads' ? await lastingThreads() : alone;
if (where === 'attach') {
  const mounter = openCloneMounter({ dir: home, bootId: 'boot', fill });
  process.stdout.write('begun\n');
  const request = attachRequest({ mounter, targets: `${home}/targets` } as never, { view: [layer], reach: 'setting' });
  await mounter.attach(request, noAbort);
  process.stdout.write('attached\n');
} else {
  const place = placeIn({ dir: where }, 'filled', fill);
  const told = await refusal(bringUp(place, emptyTable, [layer], null, noAbort));
  const half = halfFiles(place.tree, layer);
  process.stdout.write(JSON.stringify({ told, half, count: namesIn(place.tree).length }));
}
// Running threads would keep the process alive.
process.exit();
