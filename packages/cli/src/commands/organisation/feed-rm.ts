import { removeFeed } from '@cachelane/engine';
import { defineCommand, projectOptions, type Command } from '../../host/command.ts';
import { feedJson, feedOptions, feedRuleIn, feedText } from './feed-rule.ts';
import { printJson } from '../../host/print.ts';
import { readStore } from '../../home/store.ts';

export const feedRm: Command = defineCommand({
  name: 'feed rm',
  summary: 'remove a feed rule',
  examples: ['cachelane feed rm github.com/acme --from github.com/acme/web'],
  details: [
    'Give the options with which it was made (see cachelane feed ls). Layers that it copied to the tier stay. A missing rule is no error.',
  ],
  options: { directory: projectOptions.directory, ...feedOptions },
  operands: [{ name: 'TIER', help: 'the parent namespace' }],
  async run({ options, operands }, host) {
    const rule = await feedRuleIn(host, { ...options, tier: operands.TIER });
    const dryRun = options['dry-run'];
    return await readStore(host, async ({ metadata, signal }) => {
      const gone = await removeFeed(metadata, { ...rule, dryRun }, signal);
      if (options.json) {
        printJson(host, { dryRun, removed: gone === null ? null : feedJson(gone) });
        return 0;
      }
      const end = gone === null ? 'has no such rule' : dryRun ? 'would no longer feed it' : 'feeds it no longer';
      host.stdout.write(`${gone?.tier ?? rule.tier}: ${feedText(rule)} ${end}\n`);
      return 0;
    });
  },
});
