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
    'A project reads its parents: a namespace above it, or one that is named (CACHELANE_PARENTS, config.yaml, cachelane.yaml), is a tier that it finds things in. What its own runs save stays its own, until the tier lets it up. A rule says of which projects, of which volumes, and on which lane: that of the default branch, as a run knows it, or one by its name. Lanes that nobody vouches for (T0) feed nothing.',
    'cachelane feed ls shows the rules, cachelane feed rm takes one back; what it brought stays. Where a run may save nothing, no rule is made either.',
  ],
  options: { directory: projectOptions.directory, ...feedOptions },
  operands: [{ name: 'TIER', help: 'the namespace that gets it, such as github.com/acme' }],
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
  const feeds = !isNew ? 'feeds it already' : dryRun ? 'would feed it' : 'feeds it';
  return `${rule.tier}: ${feedText(rule)} ${feeds}\n`;
}

/** Why nobody may get anything of it; null: no reason is known. */
function inVain({ tier, from: { namespace, below }, lanes }: AddedFeed['feed']): string | null {
  if (lanes !== 'default' && !['local', 'ref'].includes(parseLane(lanes).kind)) {
    return `runs find in a tier what is on the lane of their default branch, or on t1:local: what comes on ${lanes} is found by none`;
  }
  if (below || namespace.startsWith(`${tier}/`)) return null;
  return `${tier} is not above ${namespace}, whose runs feed it only where they read it: parents: [${tier}] in its cachelane.yaml, and in CI a grant or CACHELANE_PARENTS as well`;
}
