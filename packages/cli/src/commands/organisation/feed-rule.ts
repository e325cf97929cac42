import {
  CachelaneError,
  granteeText,
  parseGrantee,
  parseLane,
  parseNamespace,
  parseVolumeName,
  type FeedRecord,
  type Namespace,
} from '@cachelane/core';
import { requireSharing, type ListedFeed } from '@cachelane/engine';
import { jsonOption } from '../../host/command.ts';
import { projectOf } from '../../context/find-volume.ts';
import type { Host } from '../../host/host.ts';
import { isoTime } from '../../host/print.ts';

interface FeedOptionTable {
  readonly from: { readonly value: 'NAMESPACE'; readonly help: string };
  readonly volume: { readonly value: 'NAME'; readonly help: string };
  readonly lane: { readonly value: 'LANE'; readonly help: string };
  readonly 'dry-run': { readonly help: string };
  readonly json: { readonly help: string };
}

export const feedOptions: FeedOptionTable = {
  from: { value: 'NAMESPACE', help: 'projects: github.com/acme/web, or github.com/acme/** for all below' },
  volume: { value: 'NAME', help: 'only this volume; default: all volumes' },
  lane: {
    value: 'LANE',
    help: "the lane to copy, such as t1:ref:main; default: 'default', the lane of the default branch",
  },
  'dry-run': { help: 'show what would change without changing it' },
  ...jsonOption,
};

interface FeedArguments {
  readonly tier: string;
  readonly from: string | undefined;
  readonly volume: string | undefined;
  readonly lane: string | undefined;
  readonly directory: string | undefined;
}

type FeedRule = Pick<FeedRecord, 'from' | 'volume' | 'lanes'> & { readonly tier: Namespace };

/** Parses a feed rule, whether or not its namespaces exist. Errors: E_USAGE, E_NAMESPACE, E_VOLUME, and those of the project. */
export async function feedRuleIn(host: Host, args: FeedArguments): Promise<FeedRule> {
  const { tier, from, volume, lane = 'default', directory } = args;
  if (from === undefined) {
    throw new CachelaneError('E_USAGE', 'name the projects that feed it', {
      hint: `--from github.com/acme/web, or --from ${tier}/**`,
    });
  }
  const { context } = await projectOf(host, { directory, namespace: undefined });
  requireSharing(context);
  return {
    tier: parseNamespace(tier, 'TIER'),
    from: parseGrantee(from, '--from'),
    volume: volume === undefined ? null : parseVolumeName(volume),
    lanes: lanesIn(lane),
  };
}

function lanesIn(text: string): FeedRecord['lanes'] {
  if (text === 'default') return text;
  parseLane(text);
  return text as FeedRecord['lanes'];
}

/** Returns `npm of github.com/acme/web on its default branch`. */
export function feedText({ from, volume, lanes }: Pick<ListedFeed, 'from' | 'volume' | 'lanes'>): string {
  const on = lanes === 'default' ? 'the default branch' : `lane ${lanes}`;
  return `${volume ?? 'all that is saved'} in ${granteeText(from)} on ${on}`;
}

export function feedJson({ tier, from, volume, lanes, atMs, by }: ListedFeed): object {
  return { tier, from: granteeText(from), volume, lanes, at: isoTime(atMs), by };
}
