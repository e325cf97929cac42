import type { Command } from '../../host/command.ts';
import { runningCommand } from '../../run/running-command.ts';

export const run: Command = runningCommand({
  name: 'run',
  summary: 'run a command with its cache volumes',
  examples: ['cachelane run -- npm ci', 'cachelane run -v npm -v data:cache -- make'],
  details: [
    'Volumes are those of -v, else those of cachelane.yaml, else those of the tools whose lockfiles lie between the working directory and the top of the project. NAME is a tool that cachelane knows; any directory becomes a volume as NAME:PATH; NAMESPACE:NAME and NAMESPACE:NAME:PATH are volumes of another project, whose NAMESPACE has a slash in it: what has none is a NAME (for a namespace of one word: -n NAMESPACE).',
    'The exit code is that of the command. Whatever goes wrong with the caches, the command still runs, without them and with a warning; with --strict it does not, and the exit code is 125. Wrong usage is 125 as well.',
  ],
  takesCommand: true,
  commandOf: (argv) => ({ argv, isShell: false }),
});
