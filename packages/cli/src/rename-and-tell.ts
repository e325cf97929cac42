import type { Namespace } from '@cachelane/core';
import { renameNamespace } from '@cachelane/engine';
import type { Host } from './host.ts';
import { printJson } from './print.ts';
import { readStore } from './store.ts';

export interface NamespaceRename {
  readonly from: Namespace;
  readonly to: Namespace;
  readonly dryRun: boolean;
  readonly json: boolean;
}

/** What `ns rename` and `ns adopt` do, and say. */
export async function renameAndTell(host: Host, { json, ...rename }: NamespaceRename): Promise<number> {
  return await readStore(host, async ({ metadata, signal }) => {
    const { id, volumes } = await renameNamespace(metadata, rename, signal);
    const { from, to, dryRun } = rename;
    if (json) {
      printJson(host, { dryRun, from, to, id, volumes });
    } else {
      const what = volumes.length === 0 ? 'no volumes' : volumes.join(', ');
      host.stdout.write(`${dryRun ? 'would rename' : 'renamed'} ${from} to ${to} (${what}); both names work\n`);
    }
    return 0;
  });
}
