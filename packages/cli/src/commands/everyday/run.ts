import type { Command } from '../../host/command.ts';
import { runningCommand } from '../../run/running-command.ts';

export const run: Command = runningCommand({
  name: 'run',
  summary: 'run a command with its cache volumes',
  examples: ['cachelane run -- npm ci', 'cachelane run -v npm -v data:cache -- make'],
  details: [
    'Volumes come from -v, else from cachelane.yaml, else from lockfiles between the working directory and the top of the project. NAME is a tool that cachelane knows. NAME:PATH makes any directory a volume. NAMESPACE:NAME and NAMESPACE:NAME:PATH are volumes of another project; a NAMESPACE contains a slash (for one without, use -n NAMESPACE).',
    'Exits with the code of the command. If caches fail, the command runs without them and a warning is shown; with --strict it does not run, and the exit code is 125. Wrong usage exits with 125 too.',
  ],
  takesCommand: true,
  commandOf: (argv) => ({ argv, isShell: false }),
});
