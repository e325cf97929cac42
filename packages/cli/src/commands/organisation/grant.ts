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
    'On an engine of your own what you say yourself reaches every namespace: a grant is for what nobody says in person. Files of a repository, and confined sessions of an engine, have of other namespaces what was granted to theirs, and nothing else; in CI that goes for parents that a file names as well. Nobody can pass on what they were granted.',
    'Who may write saves to the volume on the lane of their own runs, where that lane is of the level that the grant names. There is one grant for each volume and each --to: another one takes its place. cachelane grant ls shows them, cachelane grant rm takes them back. Where a run may save nothing, nothing is granted either. A grant counts in this store, and is sent nowhere.',
  ],
  options: {
    ...projectOptions,
    ...sharingOptions,
    read: { help: 'they may find what is in it; as when neither is said' },
    write: { help: 'they may also save to it' },
    trust: { value: 'LEVEL', choices: trustLevels, help: 'of lanes that may write; the level of your own by default' },
  },
  operands: [{ name: 'VOLUME', optional: true, help: 'npm of the project, or github.com/acme/web:npm' }],
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
    throw new CachelaneError('E_USAGE', '--read and --write exclude each other', { hint: '--write includes reading' });
  }
  if (trust !== undefined && !write) {
    throw new CachelaneError('E_USAGE', '--trust says which lanes may write, and goes with --write', {
      hint: 'what is granted to read is read on any lane',
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

/** Nobody has to have it yet, and most who name one that nobody has meant another. Null: it is there, or all are granted. */
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
