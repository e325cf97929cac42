import type { Command } from '../../host/command.ts';
import { runningCommand } from '../../run/running-command.ts';

export const shell: Command = runningCommand({
  name: 'shell',
  summary: 'start a shell with the same cache volumes',
  examples: ['cachelane shell', 'cachelane shell -v npm -- gopls'],
  details: [
    'Works like cachelane run with $SHELL (or /bin/sh) as the command: the same volumes, options and exit codes. With a command it is cachelane run, for example for the language server of an editor: cachelane shell -- gopls.',
    'A shell exits with the code of its last command, which says nothing about the caches. So changes are saved whenever the shell ends by itself, even after a failed command or Ctrl-C. To save nothing, use --commit never or --mode read; to undo a save, use cachelane rollback. A killed shell saves nothing.',
    'Inside the shell, CACHELANE_SHELL contains the namespace, for example for the prompt.',
  ],
  takesCommand: 'optional',
  commandOf: (argv, { env }) =>
    argv.length > 0 ? { argv, isShell: false } : { argv: [shellOf(env['SHELL'])], isShell: true },
});

function shellOf(chosen: string | undefined): string {
  return chosen === undefined || chosen === '' ? '/bin/sh' : chosen;
}
