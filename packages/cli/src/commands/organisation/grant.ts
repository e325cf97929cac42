import { CachelaneError, didYouMean, granteeText, trustLevels, type Metadata, type TrustLevel } from '@cachelane/core';
import { grantedTrust, grantVolumes, type Granted } from '@cachelane/engine';
import { defineCommand, projectOptions, type Command } from '../../host/command.ts';
import { printJson } from '../../host/print.ts';
import { accessText, grantJson, sharedIn, sharedText, sharingOptions } from './shared-volume.ts';
import { readStore } from '../../home/store.ts';
import { userOf } from '../../host/user-of.ts';
import { warn } from '../../host/warn.ts';

export const grant: Command = defineCommand({
  name: 'grant',
  summary: 'let another namespace use a volume',
  examples: ['cachelane grant npm --to github.com/acme/api'],
  details: [
    'On your own machine your own options reach every namespace. Grants are for files of a repository and confined sessions of an engine: these use volumes of other namespaces only with a grant. In CI, parents that a file names need one too. A grant cannot be passed on.',
    'With --write, runs of the other namespace save to the volume on their own lane, if the lane has the trust level of the grant. A volume has one grant for each --to; a new one replaces it. List grants with cachelane grant ls, and withdraw them with cachelane grant rm. A run that may not save may not grant. Grants apply to this store and are not pushed.',
  ],
  options: {
    ...projectOptions,
    ...sharingOptions,
    read: { help: 'allow reading (default)' },
    write: { help: 'also allow saving' },
    trust: {
      value: 'LEVEL',
      choices: trustLevels,
      help: 'trust level of lanes that may write; default: your own level',
    },
  },
  operands: [{ name: 'VOLUME', optional: true, help: 'npm of this project, or github.com/acme/web:npm' }],
  async run({ options, operands }, host) {
    const { read, write, trust: asked, 'dry-run': dryRun } = options;
    requireConsistent({ read, write, trust: asked });
    const { context, ...shared } = await sharedIn(host, { ...options, volume: operands.VOLUME });
    const trust = grantedTrust(context, asked ?? null);
    const access = write ? 'write' : 'read';
    return await readStore(host, async ({ metadata, signal }) => {
      const { clock, random } = host;
      const wanted = { ...shared, access, trust, by: userOf(host), dryRun } as const;
      const granted = await grantVolumes({ metadata, clock, random }, wanted, signal);
      const { owner } = granted.grant;
      const missing = granted.isNewOwner
        ? `there is no namespace ${owner} yet: ${dryRun ? 'it would be created' : 'it was created'}`
        : await missingVolume(metadata, granted.grant, signal);
      if (missing !== null) warn(host, missing);
      if (options.json) printJson(host, toJson(granted, dryRun));
      else host.stdout.write(text(granted, dryRun));
      return 0;
    });
  },
});

function requireConsistent({ read, write, trust }: Flags): void {
  if (read && write) {
    throw new CachelaneError('E_USAGE', '--read and --write cannot be combined', { hint: '--write includes reading' });
  }
  if (trust !== undefined && !write) {
    throw new CachelaneError('E_USAGE', '--trust needs --write, since it limits the lanes that may write', {
      hint: 'a grant to read applies to any lane',
    });
  }
}

interface Flags {
  readonly read: boolean;
  readonly write: boolean;
  readonly trust: TrustLevel | undefined;
}

function toJson({ grant: given, before }: Granted, dryRun: boolean): object {
  return { dryRun, ...grantJson(given), before: before === null ? null : grantJson(before) };
}

/** Returns a warning if the volume does not exist yet, since the name may be a typo; otherwise null. */
async function missingVolume(
  metadata: Metadata,
  { owner, volume }: Granted['grant'],
  signal: AbortSignal,
): Promise<string | null> {
  const record = volume === null ? undefined : await metadata.findNamespace(owner, signal);
  const names = record === undefined ? [] : (await metadata.volumesOf(record.id, signal)).map(({ name }) => name);
  if (volume === null || names.includes(volume)) return null;
  return `${owner} has no volume ${volume} in this store yet${didYouMean(volume, names)}`;
}

function text({ grant: given, before }: Granted, dryRun: boolean): string {
  const may = before === given ? 'may already' : dryRun ? 'would be allowed to' : 'may';
  return `${granteeText(given.to)} ${may} ${accessText(given)} ${sharedText(given)}\n`;
}
