import { defineCommand, jsonOption, projectOptions, providerOption, type Command } from '../../host/command.ts';
import { explainJson, explainText, explainVolume } from '../../explain/explain-volume.ts';
import { projectOf } from '../../context/find-volume.ts';
import { toolEnvironmentOf } from '../../context/project.ts';
import { printJson } from '../../host/print.ts';
import { parseProviderFlags, providerWishes } from '../../providers/provider-wishes.ts';
import { readStore } from '../../home/store.ts';
import { parseVolumeArgument } from '../../base/volume-argument.ts';

export const explain: Command = defineCommand({
  name: 'explain',
  summary: 'say what a volume would be in a run here, and why',
  details: [
    'Its low-level id and what that is made of, its lane and read chain with what each link holds, where it lies, and the rules of its tool.',
  ],
  options: { ...projectOptions, ...providerOption, ...jsonOption },
  operands: [{ name: 'VOLUME', help: 'as after run -v: NAME, NAME:PATH, NAMESPACE:NAME' }],
  async run({ options, operands }, host) {
    const argument = parseVolumeArgument(operands.VOLUME);
    return await readStore(host, async (store) => {
      const providers = await providerWishes(host, { flags: parseProviderFlags(options.provider) });
      const project = await projectOf(host, options);
      const place = { project, environment: toolEnvironmentOf(host, project) };
      const explained = await explainVolume({ host, store, providers }, place, argument);
      if (options.json) printJson(host, explainJson(explained));
      else host.stdout.write(explainText(explained));
      return 0;
    });
  },
});
