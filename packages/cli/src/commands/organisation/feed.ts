import { parseLane } from '@cachelane/core';
import { addFeed, type AddedFeed } from '@cachelane/engine';
import { defineCommand, projectOptions, type Command } from '../../host/command.ts';
import { feedJson, feedOptions, feedRuleIn, feedText } from './feed-rule.ts';
import { printJson } from '../../host/print.ts';
import { readStore } from '../../home/store.ts';
import { userOf } from '../../host/user-of.ts';
import { warn } from '../../host/warn.ts';

export const feed: Command = defineCommand({
  name: 'feed',
  summary: 'copy what projects save to a parent namespace',
  examples: ['cachelane feed github.com/acme --from github.com/acme/web'],
  details: [
    'A project reads its parents: the namespaces above it, and those that CACHELANE_PARENTS, config.yaml or cachelane.yaml name. Runs save to their own project, and a feed rule copies that to the parent (the tier). A rule names the projects, the volumes, and a lane: the default branch, or one by name. Untrusted lanes (T0) feed nothing.',
    'List rules with cachelane feed ls, and remove one with cachelane feed rm; copied layers stay. A run that may not save may not make rules.',
  ],
  options: { directory: projectOptions.directory, ...feedOptions },
  operands: [{ name: 'TIER', help: 'the parent namespace, such as github.com/acme' }],
  async run({ options, operands }, host) {
    const rule = await feedRuleIn(host, { ...options, tier: operands.TIER });
    const dryRun = options['dry-run'];
    return await readStore(host, async ({ metadata, signal }) => {
      const { clock, random } = host;
      const added = await addFeed({ metadata, clock, random }, { ...rule, by: userOf(host), dryRun }, signal);
      if (added.isNewTier) {
        warn(
          host,
          `there is no namespace ${added.feed.tier} yet: ${dryRun ? 'it would be created' : 'it was created'}`,
        );
      }
      if (options.json) printJson(host, { dryRun, ...feedJson(added.feed), isNew: added.isNew });
      else host.stdout.write(text(added, dryRun));
      const vain = inVain(added.feed);
      if (vain !== null) warn(host, vain);
      return 0;
    });
  },
});

function text({ feed: rule, isNew }: AddedFeed, dryRun: boolean): string {
  const feeds = !isNew ? 'already feeds it' : dryRun ? 'would feed it' : 'feeds it';
  return `${rule.tier}: ${feedText(rule)} ${feeds}\n`;
}

/** Returns why no run can read the copies; null if no reason is known. */
function inVain({ tier, from: { namespace, below }, lanes }: AddedFeed['feed']): string | null {
  if (lanes !== 'default' && !['local', 'ref'].includes(parseLane(lanes).kind)) {
    return `runs read the default branch and t1:local of a parent, so they never find what comes on ${lanes}`;
  }
  if (below || namespace.startsWith(`${tier}/`)) return null;
  return `${tier} is not above ${namespace}, so its runs must name it as a parent: parents: [${tier}] in its cachelane.yaml, and in CI also a grant or CACHELANE_PARENTS`;
}
