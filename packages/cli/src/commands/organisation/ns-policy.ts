import {
  CachelaneError,
  type Namespace,
  type Policy,
  type PolicyKey,
  type PolicyValue,
  type StatedKey,
  type VolumeName,
  budgetedVolumes,
  didYouMean,
  formatPolicyValue,
  isStatedKey,
  parseNamespace,
  parsePolicyValue,
  policyAt,
  policyKeys,
  policyRuleOf,
  policyRules,
  volumeBudgetKey,
} from '@cachelane/core';
import { requireWritable } from '@cachelane/engine';
import { type Command, defineCommand, jsonOption, projectOptions } from '../../host/command.ts';
import { projectOf } from '../../context/find-volume.ts';
import { formatTable } from '../../base/format.ts';
import type { Host } from '../../host/host.ts';
import { policyJson, valueJson } from '../../config/policy-json.ts';
import { printJson } from '../../host/print.ts';
import { type ReadStore, readStore } from '../../home/store.ts';
import { readUserConfig } from '../../config/user-config.ts';
import { warn } from '../../host/warn.ts';

export const nsPolicy: Command = defineCommand({
  name: 'ns policy',
  summary: 'show or set lifetimes and size limits of a namespace',
  examples: ['cachelane ns policy', 'cachelane ns policy github.com/acme keep-pr=7d'],
  details: [
    'A setting of a namespace applies to all below it, unless they have their own. volume-budget:NAME limits the volumes of one name. cachelane.yaml can lower limits for the lanes of its own runs. Settings of the whole store (store-size, free-space, shares, floor) go into your own file below ~/.config. Times look like 12h or 30d, sizes like 500MB or 10GiB, and none means no limit. catalog-names is any, warn or refuse. A run that may not save may not change policies.',
  ],
  options: {
    directory: projectOptions.directory,
    unset: { value: 'KEY', many: true, help: 'remove a setting of this namespace' },
    ...jsonOption,
  },
  operands: [
    { name: 'NAMESPACE', optional: true, help: "default: the project's namespace" },
    {
      name: 'KEY=VALUE',
      optional: true,
      many: true,
      help: `set one of ${namespaceKeys().join(', ')}, volume-budget:NAME`,
    },
  ],
  async run({ options, operands }, host) {
    const words = [operands.NAMESPACE ?? [], operands['KEY=VALUE']].flat();
    const [name, ...more] = words.filter((word) => !isSetting(word));
    if (more[0] !== undefined) throw usage(`give one namespace at a time; ${JSON.stringify(more[0])} is no KEY=VALUE`);
    const settings = words.filter(isSetting).map(parseSetting);
    const unset = options.unset.map(parseKey);
    const isChange = settings.length + unset.length > 0;
    const own =
      isChange || name === undefined
        ? (await projectOf(host, { directory: options.directory, namespace: undefined })).context
        : null;
    // A policy can delete what others saved.
    if (isChange && own !== null) requireWritable(own);
    const namespace = name === undefined && own !== null ? own.namespace : parseNamespace(name ?? '', 'NAMESPACE');
    return await readStore(host, async (store) => {
      for (const { key, text } of settings) await store.metadata.setPolicy(namespace, key, text, store.signal);
      for (const key of unset) await store.metadata.setPolicy(namespace, key, null, store.signal);
      if (settings.length > 0 && (await store.metadata.findNamespace(namespace, store.signal)) === undefined) {
        warn(
          host,
          `there is no namespace ${namespace} yet: the setting applies once something is saved under this name`,
        );
      }
      const { policy, budgets } = await policyOf(host, store, namespace);
      if (options.json) printJson(host, { namespace, policy: { ...policyJson(policy), ...budgetsJson(budgets) } });
      else host.stdout.write(`${namespace}\n\n${policyText(policy, budgets)}`);
      return 0;
    });
  },
});

function isSetting(word: string): boolean {
  return word.includes('=');
}

function namespaceKeys(): readonly PolicyKey[] {
  return policyKeys.filter((key) => policyRules[key].scope === 'namespace');
}

/** Without the limits that files in repositories lower for single lanes. */
async function policyOf(host: Host, { metadata, signal }: ReadStore, namespace: Namespace): Promise<Held> {
  const record = await metadata.findNamespace(namespace, signal);
  const user = (await readUserConfig(host))?.policy ?? {};
  const policies = { user, stored: await metadata.listPolicies(signal), lanes: [] };
  const place = { paths: record?.paths ?? [namespace], lane: null };
  const names = budgetedVolumes(policies);
  const budgets = names.map((name) => [name, policyAt(policies, { ...place, volume: name })['volume-budget']] as const);
  const policy = policyAt(policies, place);
  return { policy, budgets: budgets.filter(([, each]) => !isSame(each, policy['volume-budget'])) };
}

function isSame(a: PolicyValue, b: PolicyValue): boolean {
  return a.value === b.value && a.source === b.source;
}

interface Held {
  readonly policy: Policy;
  /** Volumes with a budget of their own. */
  readonly budgets: readonly (readonly [VolumeName, PolicyValue])[];
}

function budgetsJson(budgets: Held['budgets']): object {
  return Object.fromEntries(budgets.map(([name, value]) => [volumeBudgetKey(name), valueJson('volume-budget', value)]));
}

function policyText(policy: Policy, budgets: Held['budgets']): string {
  const special = budgets.map(([name, value]) => ({
    key: volumeBudgetKey(name),
    value,
    of: `the size of volume ${name} on one lane`,
  }));
  const all = policyKeys.flatMap((key) => {
    const row = { key, value: policy[key], of: policyRules[key].meaning };
    return key === 'volume-budget' ? [row, ...special] : [row];
  });
  return formatTable(
    [{ title: 'POLICY' }, { title: 'VALUE', align: 'right' }, { title: 'BY' }, { title: 'OF' }],
    all.map(({ key, value: { value, source }, of }) => [key, formatPolicyValue(key, value), source, of]),
  );
}

interface Setting {
  readonly key: StatedKey;
  /** In canonical form. */
  readonly text: string;
}

function parseSetting(word: string): Setting {
  const at = word.indexOf('=');
  const key = parseKey(word.slice(0, at));
  return { key, text: formatPolicyValue(key, parsePolicyValue(key, word.slice(at + 1))) };
}

function parseKey(word: string): StatedKey {
  if (!isStatedKey(word)) throw usage(`there is no policy ${JSON.stringify(word)}${didYouMean(word, policyKeys)}`);
  if (policyRuleOf(word).scope === 'namespace') return word;
  throw usage(`${word} applies to the whole store: put it into your own configuration, under policy`);
}

function usage(problem: string): CachelaneError {
  return new CachelaneError('E_USAGE', problem, { hint: 'see: cachelane help ns policy' });
}
