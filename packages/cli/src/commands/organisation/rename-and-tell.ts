import type { Context, Namespace } from '@cachelane/core';
import { renameNamespace, requireWritable } from '@cachelane/engine';
import type { Host } from '../../host/host.ts';
import { printJson } from '../../host/print.ts';
import { readStore } from '../../home/store.ts';

export interface NamespaceRename {
  /** Context of the caller. */
  readonly context: Context;
  readonly from: Namespace;
  readonly to: Namespace;
  readonly dryRun: boolean;
  readonly json: boolean;
}

/** Runs `ns rename` and `ns adopt`. Errors: E_USAGE if a run here may not save. */
export async function renameAndTell(host: Host, { context, json, ...rename }: NamespaceRename): Promise<number> {
  requireWritable(context);
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
