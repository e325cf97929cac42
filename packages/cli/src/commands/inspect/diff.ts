import { compareSnapshots, type PathDifference } from '@cachelane/engine';
import { defineCommand, jsonOption, projectOptions, type Command } from '../../host/command.ts';
import { countDifferences, countsText, differenceJson, differenceTable } from '../../inspect/differences.ts';
import { compatOption } from '../../inspect/heads.ts';
import { printJson } from '../../host/print.ts';
import { readStore } from '../../home/store.ts';
import { toolOf } from '../../host/tool-of.ts';
import { findState, parseState, type VolumeState } from '../../inspect/volume-state.ts';

const operandHelp = 'VOLUME, VOLUME@GENERATION, VOLUME@LANE, or VOLUME@LAYER';

export const diff: Command = defineCommand({
  name: 'diff',
  summary: 'show what differs between two states of a volume',
  examples: ['cachelane diff npm@1 npm', 'cachelane diff npm npm@t1:ref:main'],
  details: [
    'A state is VOLUME (its head), VOLUME@GENERATION or VOLUME@LAYER (the head after that move, as in cachelane log), or VOLUME@LANE (the head of that lane). Without a lane, the lane that a run here would write is used, or --lane.',
    'Compares the files that a reader of the lane finds, with merged index files, sorted by path. Files that runs read from other lanes are left out, since they are the same for both. Times are compared only for plain directories, whose format Cachelane does not know.',
  ],
  options: {
    ...projectOptions,
    lane: { value: 'LANE', help: 'the lane for states without one (see cachelane ls)' },
    ...compatOption,
    ...jsonOption,
  },
  operands: [
    { name: 'A', help: operandHelp },
    { name: 'B', help: 'the same' },
  ],
  async run({ options, operands }, host) {
    const [a, b] = [parseState(operands.A), parseState(operands.B)];
    return await readStore(host, async (store) => {
      const before = await findState({ host, store }, a, options);
      const after = await findState({ host, store }, b, options);
      const differences = await compareSnapshots(
        await store.layers(),
        {
          before: { layers: before.layers, tool: await toolOf(host, before.listed.volume) },
          after: { layers: after.layers, tool: await toolOf(host, after.listed.volume) },
        },
        store.signal,
      );
      if (options.json) printJson(host, toJson(before, after, differences));
      else host.stdout.write(text(before, after, differences));
      return 0;
    });
  },
});

function toJson(before: VolumeState, after: VolumeState, differences: readonly PathDifference[]): unknown {
  return {
    before: stateJson(before),
    after: stateJson(after),
    ...countDifferences(differences),
    paths: differences.map(differenceJson),
  };
}

function stateJson({ listed: { namespace, volume, head }, generation, layers }: VolumeState): unknown {
  return { namespace, volume: volume.name, compat: volume.compat, lane: head.lane, generation, layers };
}

function text(before: VolumeState, after: VolumeState, differences: readonly PathDifference[]): string {
  const summary = `${stateText(before)} -> ${stateText(after)}: ${countsText(countDifferences(differences))}\n`;
  return differences.length === 0 ? summary : `${differenceTable(differences)}\n${summary}`;
}

function stateText({ listed: { volume, head }, generation }: VolumeState): string {
  return `${volume.name} generation ${generation} of ${head.lane}`;
}
