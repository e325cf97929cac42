import {
  formatPolicyValue,
  policyKeys,
  policyRules,
  type Namespace,
  type NamespaceRecord,
  type Policy,
} from '@cachelane/core';
import type { Page, PageArguments } from '../values/pages.ts';
import { formatNodeId } from '../values/node-id.ts';
import type { ApiRequest } from '../request/request.ts';
import { feedNode, feeds, given, grantNode, received } from './sharing-nodes.ts';
import { isoTime } from '../values/iso-time.ts';
import { volumePage } from './volume-page.ts';

export function namespaceNode(request: ApiRequest, record: NamespaceRecord): object {
  const [path, ...aliases] = record.paths;
  return {
    __typename: 'Namespace',
    id: () => formatNodeId({ kind: 'namespace', namespace: record.paths.at(-1) as Namespace }),
    path,
    aliases,
    createdAt: isoTime(record.createdAtMs),
    volumes: async (page: PageArguments): Promise<Page<object>> =>
      await volumePage(request, { namespaces: [record], key: null }, page),
    grants: async () => (await given(request, path as Namespace)).map(grantNode),
    granted: async () => (await received(request, path as Namespace)).map(grantNode),
    feeds: async () => (await feeds(request, path as Namespace)).map(feedNode),
    policies: async () => policyNodes(await request.world.policyOf(path as Namespace)),
  };
}

export function policyNodes(policy: Policy): readonly object[] {
  return policyKeys.map((key) => ({
    key,
    value: formatPolicyValue(key, policy[key].value),
    source: policy[key].source,
    meaning: policyRules[key].meaning,
  }));
}
