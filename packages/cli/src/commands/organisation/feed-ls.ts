import { granteeText, isCovered, parseNamespace, type Namespace } from '@cachelane/core';
import { listFeeds, type ListedFeed } from '@cachelane/engine';
import { defineCommand, jsonOption, projectOptions, type Command } from '../../host/command.ts';
import { feedJson } from './feed-rule.ts';
import { projectOf } from '../../context/find-volume.ts';
import { formatTable, formatTime } from '../../base/format.ts';
import type { Host } from '../../host/host.ts';
import { printJson } from '../../host/print.ts';
import { readStore, type ReadStore } from '../../home/store.ts';

export const feedLs: Command = defineCommand({
  name: 'feed ls',
  summary: 'list feed rules',
  examples: ['cachelane feed ls', 'cachelane feed ls github.com/acme'],
  options: { directory: projectOptions.directory, ...jsonOption },
  operands: [
    {
      name: 'TIER',
      optional: true,
      help: 'show the rules that feed this tier; default: the rules from and for this project',
    },
  ],
  async run({ options, operands }, host) {
    const project = operands.TIER === undefined ? await projectsOf(host, options.directory) : null;
    const tiers = project === null ? [parseNamespace(operands.TIER ?? '', 'TIER')] : [project.own, ...project.parents];
    return await readStore(host, async (store) => {
      const feeds = await feedsOf(store, tiers, project?.own ?? null);
      if (options.json) printJson(host, { feeds: feeds.map(feedJson) });
      else host.stdout.write(feeds.length === 0 ? `No rule feeds ${tiers.join(', ')}.\n` : table(feeds));
      return 0;
    });
  },
});

interface Projects {
  readonly own: Namespace;
  readonly parents: readonly Namespace[];
}

async function projectsOf(host: Host, directory: string | undefined): Promise<Projects> {
  const { context } = await projectOf(host, { directory, namespace: undefined });
  return { own: context.namespace, parents: context.parents };
}

/** `from`: selects only the rules about this project in other tiers. */
async function feedsOf(
  { metadata, signal }: ReadStore,
  tiers: readonly Namespace[],
  from: Namespace | null,
): Promise<readonly ListedFeed[]> {
  const names = from === null ? [] : ((await metadata.findNamespace(from, signal))?.paths ?? [from]);
  const found: ListedFeed[] = [];
  for (const tier of tiers) {
    const all = await listFeeds(metadata, tier, signal);
    found.push(...(from === null || tier === from ? all : all.filter((each) => isCovered(each.from, names))));
  }
  return found;
}

function table(feeds: readonly ListedFeed[]): string {
  return formatTable(
    [{ title: 'TIER' }, { title: 'FROM' }, { title: 'VOLUME' }, { title: 'LANE' }, { title: 'SINCE' }, { title: 'BY' }],
    feeds.map(({ tier, from, volume, lanes, atMs, by }) => [
      tier,
      granteeText(from),
      volume ?? '(all)',
      lanes,
      formatTime(atMs),
      by,
    ]),
  );
}
