import { granteeText } from '@cachelane/core';
import { grantsBeside, withdrawGrant, type ListedGrant } from '@cachelane/engine';
import { defineCommand, projectOptions, type Command } from '../../host/command.ts';
import { printJson } from '../../host/print.ts';
import { accessText, grantJson, sharedIn, sharedText, sharingOptions } from './shared-volume.ts';
import { readStore } from '../../home/store.ts';

export const grantRm: Command = defineCommand({
  name: 'grant rm',
  summary: 'withdraw a grant',
  examples: ['cachelane grant rm npm --to github.com/acme/api'],
  details: [
    'Give the options with which it was made (see cachelane grant ls). A session with the volume open keeps its files and saves nothing more to it; its command is not interrupted. A missing grant is no error.',
  ],
  options: { ...projectOptions, ...sharingOptions },
  operands: [{ name: 'VOLUME', optional: true, help: 'npm of this project, or github.com/acme/web:npm' }],
  async run({ options, operands }, host) {
    const { context: _, ...shared } = await sharedIn(host, { ...options, volume: operands.VOLUME });
    const dryRun = options['dry-run'];
    return await readStore(host, async ({ metadata, signal }) => {
      const gone = await withdrawGrant(metadata, { ...shared, dryRun }, signal);
      const beside = await grantsBeside(metadata, shared, signal);
      if (options.json) {
        printJson(host, { dryRun, removed: gone === null ? null : grantJson(gone), beside: beside.map(grantJson) });
        return 0;
      }
      const to = granteeText(shared.to);
      const may = dryRun ? 'would no longer be allowed to' : 'may no longer';
      host.stdout.write(
        gone === null
          ? `${to} has no ${beside.length === 0 ? '' : 'such '}grant for ${sharedText(shared)}\n`
          : `${to} ${may} ${accessText(gone)} ${sharedText(gone)}${beside.length === 0 ? '' : ' by this grant'}\n`,
      );
      for (const each of beside) host.stdout.write(besideText(each));
      return 0;
    });
  },
});

function besideText({ to, ...given }: ListedGrant): string {
  return `  another grant remains: ${granteeText(to)} may ${accessText(given)} ${sharedText(given)}\n`;
}
