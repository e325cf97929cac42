import type { Command } from '../../host/command.ts';
import { runningCommand } from '../../run/running-command.ts';

export const shell: Command = runningCommand({
  name: 'shell',
  summary: 'start a shell with the same cache volumes',
  examples: ['cachelane shell', 'cachelane shell -v npm -- gopls'],
  details: [
    'As cachelane run with $SHELL (else /bin/sh) as the command: the same volumes, options and exit codes. With a command it is cachelane run, as for the language server of an editor: cachelane shell -- gopls.',
    'A shell ends with the code of whatever was typed last, which says nothing about its caches. So what it changed is saved whenever it ends by itself, also where a failed command or Ctrl-C was the last thing in it; --commit never or --mode read saves nothing, and cachelane rollback takes a save back. A shell that is killed changes nothing.',
    'Inside, CACHELANE_SHELL holds the namespace, for a prompt to show.',
  ],
  takesCommand: 'optional',
  commandOf: (argv, { env }) =>
    argv.length > 0 ? { argv, isShell: false } : { argv: [shellOf(env['SHELL'])], isShell: true },
});

function shellOf(chosen: string | undefined): string {
  return chosen === undefined || chosen === '' ? '/bin/sh' : chosen;
}
