import type { BytePath, ClassifyContext, PathRule, Tool } from '@cachelane/core';
import { classifyUnknown } from '../common/directory.ts';
import { npmBucketDriver } from './npm-bucket.ts';
import { plainTimeDriver } from '../drivers/plain-time.ts';
import { npmCacheLocation } from './npm-config.ts';
import { groupRule, linesRule, never, newestRule, unionRule } from '../common/rules.ts';

/** Entries of npm itself in the cache's root. */
const neverAtTop: ReadonlyMap<string, PathRule> = new Map([
  ['_logs', never('logs of npm runs')],
  ['_npx', never('packages that npx installed, made for one machine')],
  ['_locks', never('lock files of npm 6 and older')],
  ['_update-notifier-last-checked', never("time of npm's last update check")],
  ['anonymous-cli-metrics.json', never('metrics of npm 6 and older')],
]);

const temporary = never('temporary files');
const bucketRule = linesRule(npmBucketDriver);
const lastVerifiedRule = newestRule(plainTimeDriver('ms'));

/**
 * `~/.npm`. Directory names carry format versions (`index-v5`, `content-v2`: at least npm 5 to 11). Unknown ones get the rule for
 * unknown directories.
 */
export const npmTool: Tool = {
  name: 'npm',
  rulesVersion: 1,
  summary: "npm's download cache (~/.npm)",
  lockfiles: ['package-lock.json', 'npm-shrinkwrap.json'],
  locate: npmCacheLocation,
  // npm accepts both spellings; of two the later wins.
  redirect: (path) => ({ npm_config_cache: path, NPM_CONFIG_CACHE: path }),
  linksOut: false,
  compat: () => ({}),
  classify(path, isDirectory, context) {
    const [top = '', second] = path.split('/');
    if (top === '_cacache' && second !== undefined) {
      return cacacheRule(second) ?? classifyUnknown(path, isDirectory, context);
    }
    // Signed key lists, a directory for each mirror. Files of different times do not verify together.
    if (top === '_tuf' && second !== undefined) return groupRule(`_tuf/${second}`);
    return neverAtTop.get(top) ?? otherRule(path, isDirectory, context);
  },
  // npm writes an entry only after its content is complete, even if the install fails later.
  commitWhen: 'exit',
  prune: {
    kind: 'command',
    argv: ['npm', 'cache', 'verify'],
    removes: 'contents without an index line, and damaged ones',
  },
  losesFiles: true,
  sync: 'always',
  versions: 'directories carry the version of their format: index-v5, content-v2',
  stored: [
    {
      path: '_cacache/content-v2/sha512/<2 hex>/<2 hex>/<124 hex>',
      what: 'contents by their digests',
      checked: 'when used',
    },
    {
      path: '_cacache/index-v5/<2 hex>/<2 hex>/<60 hex>',
      what: 'index lines: which content answers which request',
      checked: 'never',
    },
    { path: '_cacache/_lastverified', what: 'when npm last cleaned up', checked: 'never' },
    { path: '_tuf/registry.npmjs.org/root.json', what: 'signed keys of registries', checked: 'when used' },
    { path: '_prebuilds/left-1.0.0.tar.gz', what: 'binaries that install scripts keep here', checked: 'never' },
  ],
  neverStored: [
    '_cacache/tmp/',
    '_logs/',
    '_npx/',
    '_locks/',
    '_update-notifier-last-checked',
    'anonymous-cli-metrics.json',
  ],
  tried: 'real tool',
};

/** Install scripts keep prebuilt binaries here, with versions in their names. */
function otherRule(path: BytePath, isDirectory: boolean, context: ClassifyContext): PathRule {
  const rule = classifyUnknown(path, isDirectory, context);
  return rule.kind === 'never' ? rule : unionRule;
}

function cacacheRule(name: string): PathRule | null {
  switch (name) {
    case 'content-v2':
      return unionRule;
    case 'index-v5':
      return bucketRule;
    case '_lastverified':
      return lastVerifiedRule;
    case 'tmp':
      return temporary;
    default:
      return null;
  }
}
