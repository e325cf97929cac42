import { CachelaneError, type Namespace } from '@cachelane/core';
import { compareText } from '@cachelane/engine';
import type { Host } from './host.ts';
import { printJson } from './print.ts';
import { readStore } from './store.ts';

export interface NamespaceRename {
  readonly from: Namespace;
  readonly to: Namespace;
  readonly dryRun: boolean;
  readonly json: boolean;
}

/** Gives a namespace another name; its volumes stay where they are and the old name goes on working. */
export async function renameNamespace(host: Host, { from, to, dryRun, json }: NamespaceRename): Promise<number> {
  return await readStore(host, async ({ metadata, signal }) => {
    const record = await metadata.findNamespace(from, signal);
    if (record === undefined)
      throw new CachelaneError('E_NOT_FOUND', `there is no namespace ${from}`, { hint: 'see: cachelane ns ls' });
    // A volume without a head holds nothing: a run that only looked made it.
    const withHead = new Set((await metadata.listHeads(signal)).map(({ volumeId }) => volumeId));
    const all = (await metadata.listVolumes(signal)).filter(({ id }) => withHead.has(id));
    const volumesOf = (id: string): readonly string[] => {
      const names = all.filter(({ namespaceId }) => namespaceId === id).map(({ name }) => name);
      return [...new Set(names)].toSorted(compareText);
    };
    const other = await metadata.findNamespace(to, signal);
    // Said here as well, so that a dry run tells the truth.
    if (other !== undefined && other.id !== record.id && volumesOf(other.id).length > 0) {
      throw new CachelaneError(
        'E_NAMESPACE',
        `${to} is another namespace, and has volumes of its own: ${volumesOf(other.id).join(', ')}`,
        {
          hint: `remove them first (cachelane rm --all-lanes ${to}:NAME), or leave both as they are`,
        },
      );
    }
    if (!dryRun) await metadata.aliasNamespace(from, to, signal);
    const volumes = volumesOf(record.id);
    if (json) {
      printJson(host, { dryRun, from, to, id: record.id, volumes });
    } else {
      const what = volumes.length === 0 ? 'no volumes' : volumes.join(', ');
      host.stdout.write(`${dryRun ? 'would rename' : 'renamed'} ${from} to ${to} (${what}); both names work\n`);
    }
    return 0;
  });
}
