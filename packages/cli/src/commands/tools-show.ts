import { CachelaneError, type Tool, type ToolEnvironment } from '@cachelane/core';
import { defineCommand, jsonOption, projectOptions, type Command } from '../command.ts';
import { compatText, projectOf } from '../find-volume.ts';
import { formatFields } from '../format.ts';
import type { Host } from '../host.ts';
import { printJson } from '../print.ts';
import { toolEnvironmentOf } from '../project.ts';
import { didYouMean } from '../suggest.ts';

export const toolsShow: Command = defineCommand({
  name: 'tools show',
  summary: 'say what is known of one tool: where its cache lies here, when it is saved, who can share it',
  details: ['Where the cache lies, and who can share it, is said for a command that runs here.'],
  options: { ...projectOptions, ...jsonOption },
  operands: [{ name: 'NAME', help: 'as cachelane tools lists it' }],
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
  throw new CachelaneError('E_NOT_FOUND', `no tool is called ${name}${didYouMean(name, names)}`, {
    hint: 'see: cachelane tools',
  });
}

function toJson(tool: Tool, environment: ToolEnvironment): unknown {
  const { name, summary, lockfiles, linksOut, env = {}, commitWhen, verifiesContent, tried } = tool;
  return {
    name,
    summary,
    lockfiles,
    location: tool.locate(environment),
    movedBy: Object.keys(tool.redirect('/') ?? {}),
    compat: tool.compat(environment),
    settings: env,
    commitWhen,
    linksOut,
    verifiesContent,
    tried,
  };
}

function text(tool: Tool, environment: ToolEnvironment): string {
  const place = tool.locate(environment);
  const settings = Object.entries(tool.env ?? {}).map(([name, value]) => `${name}=${value}`);
  return formatFields([
    ['tool', `${tool.name}: ${tool.summary}`],
    ['found by', tool.lockfiles.join(', ') || `only when it is named: -v ${tool.name}`],
    ['lies at', place === null ? 'no place of its own here' : `${place.path} (${place.source})`],
    ['moved by', Object.keys(tool.redirect('/') ?? {}).join(', ') || 'nothing: without mounts by a symlink'],
    ['shared with', `runs with the same compat: ${compatText(tool.compat(environment))}`],
    ['saved', tool.commitWhen === 'exit' ? 'whatever the exit code' : 'when the exit code is 0'],
    ['links', tool.linksOut ? 'out of its cache: one directory for all runs of a lane' : 'none: a view for each run'],
    ['checks', tool.verifiesContent ? 'what it finds, when it uses it' : 'nothing that it finds'],
    ['told', settings.join(' ') || 'nothing'],
    ['tried', tool.tried === 'real tool' ? 'with the tool itself' : 'not yet'],
  ]);
}
