import {
  CachelaneError,
  granteeText,
  parseGrantee,
  parseVolumeAddress,
  type Context,
  type Grantee,
  type Namespace,
  type VolumeName,
} from '@cachelane/core';
import { requireSharing, type ListedGrant } from '@cachelane/engine';
import { jsonOption } from '../../host/command.ts';
import { projectOf } from '../../context/find-volume.ts';
import type { Host } from '../../host/host.ts';
import { isoTime } from '../../host/print.ts';

interface SharingOptionTable {
  readonly to: { readonly value: 'NAMESPACE'; readonly help: string };
  readonly all: { readonly help: string };
  readonly 'dry-run': { readonly help: string };
  readonly json: { readonly help: string };
}

/** Options of commands that change grants, with those of the project. */
export const sharingOptions: SharingOptionTable = {
  to: {
    value: 'NAMESPACE',
    help: 'grantee: github.com/acme/api, or github.com/acme/** for it and all below',
  },
  all: { help: 'all volumes of the namespace, including future ones' },
  'dry-run': { help: 'show what would change without changing it' },
  ...jsonOption,
};

interface SharedArguments {
  readonly volume: string | undefined;
  readonly all: boolean;
  readonly to: string | undefined;
  readonly directory: string | undefined;
  readonly namespace: string | undefined;
}

interface Shared {
  readonly context: Context;
  readonly owner: Namespace;
  /** Null for all volumes. */
  readonly volume: VolumeName | null;
  readonly to: Grantee;
}

/** Parses volume and grantee, whether or not they exist. Errors: E_USAGE, E_NAMESPACE, E_VOLUME, and those of the project. */
export async function sharedIn(host: Host, { volume, all, to, ...where }: SharedArguments): Promise<Shared> {
  if (to === undefined) throw usage('name the grantee', '--to github.com/acme/api, or --to github.com/acme/**');
  if ((volume === undefined) !== all) {
    throw usage(
      all ? `--all is all volumes, and ${volume} is one` : 'name the volume',
      'use npm or github.com/acme/web:npm, or --all for all volumes of a namespace',
    );
  }
  const grantee = parseGrantee(to, '--to');
  const address = volume === undefined ? null : parseVolumeAddress(volume);
  const { context } = await projectOf(host, where);
  requireSharing(context);
  return { context, owner: address?.namespace ?? context.namespace, volume: address?.name ?? null, to: grantee };
}

function usage(problem: string, hint: string): CachelaneError {
  return new CachelaneError('E_USAGE', problem, { hint });
}

/** Returns `github.com/acme/web:npm` or `all volumes of github.com/acme/web`. */
export function sharedText({ owner, volume }: Pick<ListedGrant, 'owner' | 'volume'>): string {
  return volume === null ? `all volumes of ${owner}` : `${owner}:${volume}`;
}

/** Returns `read` or `read, and write on lanes of level T1`. */
export function accessText({ access, trust }: Pick<ListedGrant, 'access' | 'trust'>): string {
  return access === 'read' ? 'read' : `read, and write on lanes of level ${trust},`;
}

export function grantJson({ owner, volume, to, access, trust, atMs, by }: ListedGrant): object {
  return { namespace: owner, volume, to: granteeText(to), access, trust, at: isoTime(atMs), by };
}
