import { unreachable, type Clock } from '@cachelane/core';
import type { Output } from '../base/output.ts';
import type { Reporter, ReporterOptions } from './reporter.ts';
import { quietly } from './reporter.ts';

export const reporterNames = ['auto', 'tty', 'plain', 'json', 'github'] as const;
export type ReporterName = (typeof reporterNames)[number];

export interface ReporterChoice {
  readonly name: ReporterName;
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** stderr. */
  readonly output: Output;
  readonly clock: Clock;
}

/** Returns the reporter that `auto` selects. Some CI systems give jobs a terminal that nobody watches. */
export function chooseReporter({
  name,
  env,
  output,
}: Pick<ReporterChoice, 'name' | 'env' | 'output'>): Exclude<ReporterName, 'auto'> {
  if (name !== 'auto') return name;
  if (env['GITHUB_ACTIONS'] === 'true') return 'github';
  if (isSet(env['CI']) || env['TERM'] === 'dumb') return 'plain';
  return output.isTerminal ? 'tty' : 'plain';
}

export async function openReporter(choice: ReporterChoice): Promise<Reporter> {
  const { env, output, clock, quiet, verbose } = choice;
  // By convention, any value except the empty one turns colour off, even `0`.
  const color = (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
  const reporter = await load(chooseReporter(choice), { output, clock, color, verbose });
  return quiet ? quietly(reporter) : reporter;
}

async function load(name: Exclude<ReporterName, 'auto'>, options: ReporterOptions): Promise<Reporter> {
  switch (name) {
    case 'tty':
      return (await import('./tty.ts')).ttyReporter(options);
    case 'plain':
      return (await import('./plain.ts')).plainReporter(options);
    case 'json':
      return (await import('./json.ts')).jsonReporter(options);
    case 'github':
      return (await import('./github.ts')).githubReporter(options);
    default:
      return unreachable(name);
  }
}

/** People set `CI=false` to say that this is no CI. */
function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== 'false' && value !== '0';
}
