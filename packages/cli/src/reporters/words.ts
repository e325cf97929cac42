import {
  formatPolicyValue,
  unreachable,
  type ChainLink,
  type LaneName,
  type Namespace,
  type VolumeReport,
} from '@cachelane/core';
import type { ProgressUpdate } from '@cachelane/engine';
import { formatBytes, formatDuration, formatTime, plural, printable } from '../base/format.ts';
import { evictionText } from '../inspect/eviction-words.ts';
import { shortId } from '../host/print.ts';
import type { RunEvent } from './reporter.ts';

// Sentences of the text reporters. They never contain the command's arguments.

type EventOf<T extends RunEvent['type']> = Extract<RunEvent, { readonly type: T }>;

const conflictsShown = 3;

/** Returns a lane, with its namespace if that is not the run's own. */
export function linkText(link: ChainLink, own: Namespace): string {
  return link.namespace === own ? link.lane : `${link.lane} of ${link.namespace}`;
}

export function chainText(chain: readonly ChainLink[], own: Namespace): string {
  return chain.length === 0 ? 'nothing' : chain.map((link) => linkText(link, own)).join(' -> ');
}

/** Returns the run's lane, level and read chain, and whether it may save and why. */
function sessionText(event: EventOf<'session-opened'>): string {
  const { namespace, lane, trust, readChain, canWrite, why, volumes } = event;
  const names = volumes.map((volume) => volume.name).join(', ');
  const may = canWrite ? 'may save' : 'saves nothing';
  return `${namespace}: lane ${lane}, level ${trust}, reads ${chainText(readChain, namespace)}, ${may} (${why}); ${plural(volumes.length, 'volume')}: ${names}`;
}

/** The namespace and lane that a run's lines name in brackets. */
export interface RunPlace {
  readonly namespace: Namespace;
  readonly lane: LaneName;
}

/** Returns `main` for t1:ref:main, `pr 12` for t1:pr:12, `local` for t1:local. */
function laneText(lane: LaneName): string {
  return lane.replace(/^t\d:/, '').replace(/^ref:/, '').replace(':', ' ');
}

/** Returns one line on what a volume restored and saved, then one line for each thing to look at. */
function volumeLines(report: VolumeReport, runPlace: RunPlace | null): readonly string[] {
  const { name, provider } = report;
  const by = provider === null ? '' : `provider ${provider.provider}, ${provider.chosenBy}`;
  if (provider?.kind === 'directory') return [`${name} uses ${provider.gives}, which cachelane does not save (${by})`];
  if (provider?.kind === 'nothing') return [`${name} was an empty directory for this run (${by})`];
  const own = runPlace === null ? '' : `${report.namespace ?? runPlace.namespace}, ${laneText(runPlace.lane)}`;
  const volume = provider?.gives ?? own;
  const known = [volume, by].filter(Boolean);
  const lines = [`${name} ${outcomeText(report)}${known.length === 0 ? '' : ` (${known.join(', ')})`}`];
  if (report.mounter !== null && report.evicted !== null) {
    lines.push(`${name} started empty because its contents were evicted: ${evictionText(report.evicted)}`);
  }
  if (report.cameBack !== null) lines.push(`${name}: ${cameBackText(report.cameBack)}`);
  if (report.shrunk !== null) lines.push(`${name}: ${shrunkText(report.shrunk)}`);
  if (report.conflicts.length > 0) lines.push(`${name}: ${conflictsText(report)}`);
  return lines;
}

function outcomeText(report: VolumeReport): string {
  const { mounter, skipped, layer, leftToOthers, seed } = report;
  if (mounter === null) return `has no cache${skipped === null ? '' : `: ${skipped}`}`;
  const parts: string[] = [];
  if (report.hits.length > 0) parts.push(`restored ${formatBytes(report.restoredBytes)}`);
  else if (seed !== null) parts.push(`started from ${seed}`);
  if (layer !== null) parts.push(changeText(report));
  if (skipped !== null) parts.push(leftToOthers || layer !== null ? skipped : `not saved: ${skipped}`);
  const isUnchanged = layer === null && skipped === null;
  if (isUnchanged && seed === null) parts.splice(0, parts.length, report.hits.length > 0 ? 'up to date' : 'is empty');
  if (report.fed.length > 0) parts.push(`fed to ${report.fed.map(({ namespace }) => namespace).join(', ')}`);
  return parts.join(', ');
}

function changeText({ savedBytes, added, changed, removed }: VolumeReport): string {
  const isRemovalOnly = added + changed === 0 && removed > 0;
  return isRemovalOnly ? `removed ${plural(removed, 'path')}` : `saved ${formatBytes(savedBytes)}`;
}

/** Returns the details for `--verbose`: lanes, changes, mounter and time. */
function detailText(report: VolumeReport, place: RunPlace | null): string | null {
  const { mounter, mounterWhy, added, changed, removed, merged } = report;
  if (mounter === null) return null;
  const lanes = report.hits.map(
    (hit) => `${place === null ? hit.lane : linkText(hit, place.namespace)} (${plural(hit.layers, 'layer')})`,
  );
  const counts = `${added} added, ${changed} changed, ${removed} removed, ${merged} merged`;
  const seed = report.seed === null ? '' : `, above ${report.seed}`;
  const spent = formatDuration(report.attachMs + report.saveMs);
  return `${report.name}: read ${lanes.join(', ') || 'nothing'}${seed}; ${counts}; ${mounter}: ${mounterWhy ?? ''}; ${spent}`;
}

/** Returns `3 files (1.2 MB) were made again after policy volume-budget evicted them on 2026-11-24 14:39:00Z`. */
function cameBackText({ files, sizeBytes, atMs }: NonNullable<VolumeReport['cameBack']>): string {
  const were =
    files === 1
      ? 'was made again after policy volume-budget evicted it'
      : 'were made again after policy volume-budget evicted them';
  return `${plural(files, 'file')} (${formatBytes(sizeBytes)}) ${were} on ${formatTime(atMs)}`;
}

function shrunkText({ files, sizeBytes, budgetBytes }: NonNullable<VolumeReport['shrunk']>): string {
  const budget = formatPolicyValue('volume-budget', budgetBytes);
  return `removed ${plural(files, 'file')} (${formatBytes(sizeBytes)}) to stay within its volume-budget of ${budget}`;
}

export function conflictsText({ conflicts }: Pick<VolumeReport, 'conflicts'>): string {
  const shown = conflicts.slice(0, conflictsShown).map(({ path, resolution, layer }) => {
    const other = layer === null ? '' : `; the other is in layer ${shortId(layer)}`;
    return `${path} (${resolution}${other})`;
  });
  const more = conflicts.length > shown.length ? `, and ${conflicts.length - shown.length} more` : '';
  return `${plural(conflicts.length, 'conflict')}: ${shown.join(', ')}${more}`;
}

function leftoversText(event: EventOf<'leftovers'>): string {
  const names = event.processes.map(({ name, pid }) => `${name} (${pid})`).join(', ');
  const count = plural(event.processes.length, 'process', 'processes');
  switch (event.action) {
    case 'ending':
      return `the command left ${count} running: ending ${names}`;
    case 'ended':
      return `ended ${names}`;
    case 'left':
      return `the command left ${count} running, whose later writes are not saved: ${names}`;
    default:
      return unreachable(event.action);
  }
}

function waitingText({ message, limitMs, thenFails }: EventOf<'waiting'>): string {
  const then = thenFails ? 'then the command does not run' : 'then the command runs without its volumes';
  return `waiting: ${message}; for ${formatDuration(limitMs)} at most (--lock-timeout SECONDS), ${then}`;
}

/** Returns null if nothing was pulled, pushed or left pending. */
function syncedText({ volume, report }: EventOf<'synced'>): string | null {
  const { remote, pulledLayers, pulledBytes, pullMs } = report;
  const { pushedLayers, pushedBytes, pushMs, pushed, why } = report;
  const parts: string[] = [];
  if (pulledLayers > 0) {
    parts.push(`pulled ${plural(pulledLayers, 'layer')}, ${formatBytes(pulledBytes)} (${formatDuration(pullMs)})`);
  }
  if (pushed === 'sent') {
    parts.push(`pushed ${plural(pushedLayers, 'layer')}, ${formatBytes(pushedBytes)} (${formatDuration(pushMs)})`);
  }
  if (pushed === 'later') parts.push(`to be pushed later: ${why ?? 'it is kept here'}`);
  return parts.length === 0 ? null : `${volume}: ${parts.join('; ')}; ${remote}`;
}

/** Returns an event as a progress update named after its volume. */
export function updateOf({ volume, activity, done, total, unit }: EventOf<'progress'>): ProgressUpdate {
  return { activity: `${volume}: ${activity}`, done, total, unit: unit ?? 'entries' };
}

export function warningText(event: { readonly message: string; readonly hint: string | null }): string {
  return event.hint === null ? event.message : `${event.message}; ${event.hint}`;
}

/** Returns the lines for an event. `place` is null before the session is open. */
export function eventLines(event: RunEvent, place: RunPlace | null, isVerbose: boolean): readonly string[] {
  const lines = isVerbose ? [...wordsOf(event, place), detailsOf(event, place)] : wordsOf(event, place);
  return lines.flatMap((line) => (line === null ? [] : [printable(line)]));
}

/** Returns the lines that every run prints. */
function wordsOf(event: RunEvent, place: RunPlace | null): readonly string[] {
  switch (event.type) {
    case 'namespace-adopted':
      return [`the volumes of ${event.from} are now those of ${event.to}`];
    case 'leftovers':
      return [leftoversText(event)];
    case 'volume-done':
      return volumeLines(event.report, place);
    case 'synced':
      return event.report.conflicts.length === 0 ? [] : [`${event.volume}: ${conflictsText(event.report)}`];
    case 'waiting':
      return [waitingText(event)];
    case 'warning':
      return [`warning: ${warningText(event)}`];
    case 'notice':
      return [warningText(event)];
    case 'session-opened':
    case 'extracting':
    case 'attached':
    case 'command-ended':
    case 'progress':
      return [];
    default:
      return unreachable(event);
  }
}

/** Returns the line that `--verbose` adds. */
function detailsOf(event: RunEvent, place: RunPlace | null): string | null {
  if (event.type === 'session-opened') return sessionText(event);
  if (event.type === 'volume-done') return detailText(event.report, place);
  if (event.type === 'synced') return syncedText(event);
  if (event.type !== 'extracting') return null;
  const images = event.layers === 1 ? 'an image' : 'images';
  return `unpacking ${plural(event.layers, 'layer')} that cannot be mounted as ${images}: ${event.reason}`;
}
