import { defineCommand, jsonOption, projectOptions, providerOption, type Command } from '../../host/command.ts';
import { explainJson } from '../../explain/explain-json.ts';
import { explainBriefly, explainText } from '../../explain/explain-text.ts';
import { explainVolume } from '../../explain/explain-volume.ts';
import { projectOf } from '../../context/find-volume.ts';
import { toolEnvironmentOf } from '../../context/project.ts';
import { printJson } from '../../host/print.ts';
import { parseProviderFlags, providerWishes } from '../../providers/provider-wishes.ts';
import { readStore } from '../../home/store.ts';
import { parseVolumeArgument } from '../../base/volume-argument.ts';

export const explain: Command = defineCommand({
  name: 'explain',
  summary: 'show which volume a run gets here, and why',
  examples: ['cachelane explain npm', 'cachelane explain npm --verbose'],
  details: ['Explains every volume that cachelane ls lists, and every volume that a run here could ask for.'],
  options: {
    ...projectOptions,
    ...providerOption,
    verbose: { help: 'show everything: rules, policies, tiers, ids' },
    ...jsonOption,
  },
  operands: [{ name: 'VOLUME', help: 'as after run -v: NAME, NAME:PATH, NAMESPACE:NAME' }],
  async run({ options, operands }, host) {
    const argument = parseVolumeArgument(operands.VOLUME);
    return await readStore(host, async (store) => {
      const providers = await providerWishes(host, { flags: parseProviderFlags(options.provider) });
      const project = await projectOf(host, options);
      const place = { project, environment: toolEnvironmentOf(host, project) };
      const explained = await explainVolume({ host, store, providers }, place, argument, { needsPlace: false });
      if (options.json) printJson(host, explainJson(explained));
      else host.stdout.write(options.verbose ? explainText(explained) : explainBriefly(explained, operands.VOLUME));
      return 0;
    });
  },
});
