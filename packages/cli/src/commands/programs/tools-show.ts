import { CachelaneError, didYouMean, type Tool, type ToolEnvironment } from '@cachelane/core';
import { defineCommand, jsonOption, projectOptions, type Command } from '../../host/command.ts';
import { compatText, projectOf } from '../../context/find-volume.ts';
import { formatFields, formatTable } from '../../base/format.ts';
import type { Host } from '../../host/host.ts';
import { printJson } from '../../host/print.ts';
import { toolEnvironmentOf } from '../../context/project.ts';
import {
  budgetText,
  commitText,
  daemonText,
  neverLines,
  pruneText,
  settingsText,
  storedLines,
  syncText,
  triedText,
} from '../../inspect/tool-words.ts';

export const toolsShow: Command = defineCommand({
  name: 'tools show',
  summary: 'show the rules of one tool',
  examples: ['cachelane tools show npm'],
  details: [
    'Location and sharing are those of a command that runs here.',
    'CHECKED: when the tool itself verifies a file by a digest from elsewhere; others are trusted. TIMES: of files; a time far ahead keeps tools from removing files that were not used for a while.',
  ],
  options: { ...projectOptions, ...jsonOption },
  operands: [{ name: 'NAME', help: 'a name from cachelane tools' }],
  async run({ options, operands }, host) {
    const tool = await findTool(host, operands.NAME);
    const environment = toolEnvironmentOf(host, await projectOf(host, options));
    if (options.json) printJson(host, toJson(tool, environment));
    else host.stdout.write(text(tool, environment));
    return 0;
  },
});

/** Errors: E_NOT_FOUND. */
async function findTool(host: Host, name: string): Promise<Tool> {
  const known = await host.pieces.loadTools();
  const tool = known.find((each) => each.name === name);
  if (tool !== undefined) return tool;
  const names = known.map((each) => each.name);
  throw new CachelaneError('E_NOT_FOUND', `there is no tool ${name}${didYouMean(name, names)}`, {
    hint: 'see: cachelane tools',
  });
}

function toJson(tool: Tool, environment: ToolEnvironment): unknown {
  const { name, summary, lockfiles, linksOut, env = {}, daemon, commitWhen, prune, sync, versions, tried } = tool;
  return {
    name,
    summary,
    lockfiles,
    location: tool.locate(environment),
    movedBy: Object.keys(tool.redirect('/') ?? {}),
    compat: tool.compat(environment),
    versions,
    settings: env,
    daemon: daemon ?? null,
    commitWhen,
    linksOut,
    prune,
    losesFiles: tool.losesFiles === true,
    sync,
    stored: storedLines(tool),
    neverStored: neverLines(tool),
    tried,
  };
}

function text(tool: Tool, environment: ToolEnvironment): string {
  const place = tool.locate(environment);
  const fields = formatFields([
    ['tool', `${tool.name}: ${tool.summary}`],
    ['found by', tool.lockfiles.join(', ') || `only when named: -v ${tool.name}`],
    ['lies at', place === null ? 'no directory here' : `${place.path} (${place.source})`],
    ['moved by', Object.keys(tool.redirect('/') ?? {}).join(', ') || 'no variable; without mounts, a symlink'],
    ['shared with', `runs with the same compat: ${compatText(tool.compat(environment))}`],
    ['versions', tool.versions],
    ['saved', commitText(tool.commitWhen)],
    ['links', tool.linksOut ? 'out of its cache: one directory for all runs of a lane' : 'none: a view for each run'],
    ['told', settingsText(tool.env ?? {}) || 'nothing'],
    ['daemon', daemonText(tool)],
    ['pruned by', pruneText(tool)],
    ['budget', budgetText(tool)],
    ['sync', syncText(tool.sync)],
    ['tried', triedText(tool)],
  ]);
  return `${fields}\n${storedTable(tool)}\n${neverTable(tool)}`;
}

function storedTable(tool: Tool): string {
  return formatTable(
    ['STORED', 'WHAT', 'CLASS', 'TWO RUNS CHANGED IT', 'CHECKED', 'REMOVALS COUNT', 'TIMES'].map((title) => ({
      title,
    })),
    storedLines(tool).map(({ path, what, mergeClass, merges, checked, removals, times }) => [
      path,
      what,
      mergeClass,
      merges,
      checked,
      removals === 'count' ? 'yes' : removals,
      times,
    ]),
  );
}

function neverTable(tool: Tool): string {
  return formatTable(
    [{ title: 'NEVER STORED' }, { title: 'WHY' }],
    neverLines(tool).map(({ path, why }) => [path, why]),
  );
}
