import type { Command } from '../host/command.ts';

export interface CommandEntry {
  readonly name: string;
  load(): Promise<Command>;
}

/** A group of the help overview. */
interface CommandGroup {
  readonly title: string;
  /** Listed with their summaries. */
  readonly common: readonly CommandEntry[];
  /** Listed by name only. */
  readonly rare: readonly CommandEntry[];
}

export const commandGroups: readonly CommandGroup[] = [
  {
    title: 'Everyday',
    common: [
      { name: 'run', load: async () => (await import('../commands/everyday/run.ts')).run },
      { name: 'shell', load: async () => (await import('../commands/everyday/shell.ts')).shell },
      { name: 'explain', load: async () => (await import('../commands/everyday/explain.ts')).explain },
      { name: 'context', load: async () => (await import('../commands/everyday/context.ts')).contextCommand },
      { name: 'doctor', load: async () => (await import('../commands/everyday/doctor.ts')).doctor },
      { name: 'demo', load: async () => (await import('../commands/everyday/demo.ts')).demo },
    ],
    rare: [],
  },
  {
    title: 'Look inside',
    common: [
      { name: 'ls', load: async () => (await import('../commands/inspect/ls.ts')).ls },
      { name: 'du', load: async () => (await import('../commands/inspect/du.ts')).du },
      { name: 'log', load: async () => (await import('../commands/inspect/log.ts')).log },
      { name: 'diff', load: async () => (await import('../commands/inspect/diff.ts')).diff },
      { name: 'blame', load: async () => (await import('../commands/inspect/blame.ts')).blame },
    ],
    rare: [
      { name: 'inspect', load: async () => (await import('../commands/inspect/inspect.ts')).inspect },
      { name: 'trace', load: async () => (await import('../commands/inspect/trace.ts')).trace },
    ],
  },
  {
    title: 'Share',
    common: [
      { name: 'push', load: async () => (await import('../commands/share/push.ts')).push },
      { name: 'export', load: async () => (await import('../commands/share/export.ts')).exportVolume },
      { name: 'import', load: async () => (await import('../commands/share/import.ts')).importVolume },
    ],
    rare: [
      { name: 'add', load: async () => (await import('../commands/share/add.ts')).add },
      { name: 'generate', load: async () => (await import('../commands/share/generate.ts')).generate },
      { name: 'catalog ls', load: async () => (await import('../commands/share/catalog-ls.ts')).catalogLs },
      { name: 'catalog show', load: async () => (await import('../commands/share/catalog-show.ts')).catalogShow },
      { name: 'catalog diff', load: async () => (await import('../commands/share/catalog-diff.ts')).catalogDiff },
      {
        name: 'catalog consumers',
        load: async () => (await import('../commands/share/catalog-consumers.ts')).catalogConsumersCommand,
      },
      {
        name: 'catalog publish',
        load: async () => (await import('../commands/share/catalog-publish.ts')).catalogPublish,
      },
      { name: 'catalog rm', load: async () => (await import('../commands/share/catalog-rm.ts')).catalogRm },
    ],
  },
  {
    title: 'Clean up',
    common: [
      { name: 'gc', load: async () => (await import('../commands/cleanup/gc.ts')).gc },
      { name: 'rm', load: async () => (await import('../commands/cleanup/rm.ts')).rm },
      { name: 'rollback', load: async () => (await import('../commands/cleanup/rollback.ts')).rollback },
      { name: 'revoke', load: async () => (await import('../commands/cleanup/revoke.ts')).revoke },
    ],
    rare: [
      { name: 'prune', load: async () => (await import('../commands/cleanup/prune.ts')).prune },
      { name: 'verify', load: async () => (await import('../commands/cleanup/verify.ts')).verify },
      {
        name: 'verify remote',
        load: async () => (await import('../commands/cleanup/verify-remote.ts')).verifyRemoteCommand,
      },
    ],
  },
  {
    title: 'Organisation',
    common: [],
    rare: [
      { name: 'ns ls', load: async () => (await import('../commands/organisation/ns-ls.ts')).nsLs },
      { name: 'ns show', load: async () => (await import('../commands/organisation/ns-show.ts')).nsShow },
      { name: 'ns create', load: async () => (await import('../commands/organisation/ns-create.ts')).nsCreate },
      { name: 'ns policy', load: async () => (await import('../commands/organisation/ns-policy.ts')).nsPolicy },
      { name: 'ns adopt', load: async () => (await import('../commands/organisation/ns-adopt.ts')).nsAdopt },
      { name: 'ns rename', load: async () => (await import('../commands/organisation/ns-rename.ts')).nsRename },
      { name: 'ns rm', load: async () => (await import('../commands/organisation/ns-rm.ts')).nsRm },
      { name: 'grant', load: async () => (await import('../commands/organisation/grant.ts')).grant },
      { name: 'grant ls', load: async () => (await import('../commands/organisation/grant-ls.ts')).grantLs },
      { name: 'grant rm', load: async () => (await import('../commands/organisation/grant-rm.ts')).grantRm },
      { name: 'feed', load: async () => (await import('../commands/organisation/feed.ts')).feed },
      { name: 'feed ls', load: async () => (await import('../commands/organisation/feed-ls.ts')).feedLs },
      { name: 'feed rm', load: async () => (await import('../commands/organisation/feed-rm.ts')).feedRm },
    ],
  },
  {
    title: 'Programs',
    common: [],
    rare: [
      { name: 'serve', load: async () => (await import('../commands/programs/serve.ts')).serve },
      { name: 'query', load: async () => (await import('../commands/programs/query.ts')).query },
      { name: 'tools', load: async () => (await import('../commands/programs/tools-ls.ts')).tools },
      { name: 'tools show', load: async () => (await import('../commands/programs/tools-show.ts')).toolsShow },
    ],
  },
];

/** Every command in the order of help. Commands load when called. */
export const commandList: readonly CommandEntry[] = commandGroups.flatMap(({ common, rare }) => [...common, ...rare]);

export interface FoundCommand {
  readonly entry: CommandEntry;
  readonly rest: readonly string[];
}

/** Returns the command that the line names; of two, the one with the longer name. */
export function findCommand(words: readonly string[]): FoundCommand | undefined {
  for (const count of [2, 1]) {
    const name = words.slice(0, count).join(' ');
    const entry = words.length >= count ? commandList.find((candidate) => candidate.name === name) : undefined;
    if (entry !== undefined) return { entry, rest: words.slice(count) };
  }
  return undefined;
}

/** Returns the commands of two words that begin with this one: `ns ls`, `ns show`. */
export function groupOf(word: string): readonly CommandEntry[] {
  return commandList.filter(({ name }) => name.startsWith(`${word} `));
}
