import {
  formatPolicyValue,
  unreachable,
  usualMounterWhy,
  type ChainLink,
  type EngineEvent,
  type Namespace,
  type VolumeReport,
} from '@cachelane/core';
import { formatBytes, formatDuration, formatTime, plural, printable } from '../base/format.ts';
import { evictionText } from '../inspect/eviction-words.ts';
import { shortId } from '../host/print.ts';
import type { RunEvent } from './reporter.ts';

// The sentences that the reporters for people share. Nothing in here knows the command's arguments.

type EventOf<T extends RunEvent['type']> = Extract<RunEvent, { readonly type: T }>;

const conflictsShown = 3;

/** A lane, with its namespace where that is not the run's own. */
export function linkText(link: ChainLink, own: Namespace): string {
  return link.namespace === own ? link.lane : `${link.lane} of ${link.namespace}`;
}

export function chainText(chain: readonly ChainLink[], own: Namespace): string {
  return chain.length === 0 ? 'nothing' : chain.map((link) => linkText(link, own)).join(' -> ');
}

/** Lane, level, read chain, may write, why: LANES rule "visible authority". */
export function sessionText(event: EventOf<'session-opened'>): string {
  const { namespace, lane, trust, readChain, canWrite, why, volumes } = event;
  const names = volumes.map((volume) => volume.name).join(', ');
  const may = canWrite ? 'may save' : 'saves nothing';
  return `${namespace}: lane ${lane}, level ${trust}, reads ${chainText(readChain, namespace)}, ${may} (${why}); ${plural(volumes.length, 'volume')}: ${names}`;
}

function volumeText(report: VolumeReport, own: Namespace | null): string {
  const { provider } = report;
  if (provider === null) return cacheText(report, own);
  const by = ` (provider ${provider.provider}, ${provider.chosenBy})`;
  switch (provider.kind) {
    case 'directory':
      return `${report.name}: ${provider.gives}, not saved by cachelane${by}`;
    case 'nothing':
      return `${report.name}: an empty directory, gone now${by}`;
    case 'volume':
      return `${cacheText(report, own)}; ${provider.gives}${by}`;
    case null:
      return `${cacheText(report, own)}${by}`;
    default:
      return unreachable(provider.kind);
  }
}

function cacheText(report: VolumeReport, own: Namespace | null): string {
  if (report.mounter === null)
    return `${report.name}: no cache${report.skipped === null ? '' : ` (${report.skipped})`}`;
  const spent = formatDuration(report.attachMs + report.saveMs);
  return `${report.name}: ${hitsText(report, own)}; ${savedText(report)} (${spent})${wayText(report)}`;
}

/** How it was attached, where that was not the usual way. */
function wayText({ mounter, mounterWhy }: VolumeReport): string {
  const isUsual = mounter === 'overlay' && mounterWhy === usualMounterWhy;
  return mounter === null || isUsual ? '' : `; ${mounter}: ${mounterWhy ?? ''}`;
}

function hitsText(report: VolumeReport, own: Namespace | null): string {
  const seed = report.seed === null ? '' : `, above what is in ${report.seed}`;
  if (report.hits.length === 0) {
    const start = report.seed === null ? 'started cold' : `started with what is in ${report.seed}`;
    return report.evicted === null ? start : `${start}, since it was evicted: ${evictionText(report.evicted)}`;
  }
  const hits = report.hits.map(
    (hit) => `${own === null ? hit.lane : linkText(hit, own)} (${plural(hit.layers, 'layer')})`,
  );
  return `hit ${hits.join(', ')}${seed}`;
}

function savedText(report: VolumeReport): string {
  const parts: string[] = [];
  if (report.layer === null) {
    parts.push(unsavedText(report));
  } else {
    const counts = [
      ...(report.added > 0 ? [`${report.added} added`] : []),
      ...(report.changed > 0 ? [`${report.changed} changed`] : []),
      ...(report.removed > 0 ? [`${report.removed} removed`] : []),
    ];
    parts.push(`saved ${counts.join(', ') || 'a layer'}, ${formatBytes(report.savedBytes)}`);
    if (report.skipped !== null) parts.push(report.skipped);
  }
  if (report.cameBack !== null) parts.push(cameBackText(report.cameBack));
  if (report.shrunk !== null) parts.push(shrunkText(report.shrunk));
  if (report.merged > 0) parts.push(`${plural(report.merged, 'path')} merged`);
  if (report.conflicts.length > 0) parts.push(conflictsText(report));
  if (report.fed.length > 0) parts.push(fedText(report));
  return parts.join(', ');
}

/** `3 files (1.2 MB) of that came back: they had gone by policy volume-budget on 2026-11-24 14:39:00Z`. */
function cameBackText({ files, sizeBytes, atMs }: NonNullable<VolumeReport['cameBack']>): string {
  const what = `${plural(files, 'file')} (${formatBytes(sizeBytes)}) of that came back`;
  return `${what}: evicted by policy volume-budget on ${formatTime(atMs)}`;
}

function shrunkText({ files, sizeBytes, budgetBytes }: NonNullable<VolumeReport['shrunk']>): string {
  const budget = formatPolicyValue('volume-budget', budgetBytes);
  return `${plural(files, 'file')} (${formatBytes(sizeBytes)}) went, since it held more than its volume-budget of ${budget}`;
}

function unsavedText({ skipped, leftToOthers }: VolumeReport): string {
  if (skipped === null) return 'nothing new to save';
  return leftToOthers ? skipped : `not saved: ${skipped}`;
}

/** `fed to teams/payments, github.com/acme`. */
function fedText({ fed }: VolumeReport): string {
  return `fed to ${fed.map(({ namespace }) => namespace).join(', ')}`;
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
      return `${count} outlived the command and would write on: ending ${names}`;
    case 'ended':
      return `ended ${names}`;
    case 'left':
      return `${count} outlived the command, what they write from now on is not saved: ${names}`;
    default:
      return unreachable(event.action);
  }
}

function waitingText({ message, limitMs, thenFails }: EventOf<'waiting'>): string {
  const then = thenFails ? 'then the command does not run' : 'then the command runs without its volumes';
  return `waiting: ${message}; for ${formatDuration(limitMs)} at most (--lock-timeout SECONDS), ${then}`;
}

/** Null where nothing went over the network and nothing waits for it. */
function syncedText({ volume, report }: EventOf<'synced'>): string | null {
  const { remote, pulledLayers, pulledBytes, pullMs, usedBytes } = report;
  const { pushedLayers, pushedBytes, pushMs, pushed, why, conflicts } = report;
  const parts: string[] = [];
  if (pulledLayers > 0) {
    const used = `used ${formatBytes(usedBytes)}, ${formatDuration(pullMs)}`;
    parts.push(`pulled ${plural(pulledLayers, 'layer')}, ${formatBytes(pulledBytes)} (${used})`);
  }
  if (pushed === 'sent') {
    parts.push(`pushed ${plural(pushedLayers, 'layer')}, ${formatBytes(pushedBytes)} (${formatDuration(pushMs)})`);
  }
  if (conflicts.length > 0) parts.push(conflictsText(report));
  if (pushed === 'later') parts.push(`to be pushed later: ${why ?? 'it is kept here'}`);
  return parts.length === 0 ? null : `${volume}: ${parts.join('; ')}; ${remote}`;
}

export function progressText(event: EventOf<'progress'>): string {
  const { volume, activity, done, total, unit } = event;
  const count = (value: number): string => (unit === 'bytes' ? formatBytes(value) : String(value));
  return `${volume}: ${activity} ${total === null ? count(done) : `${count(done)} of ${count(total)}`}`;
}

export function warningText(event: { readonly message: string; readonly hint: string | null }): string {
  return event.hint === null ? event.message : `${event.message}; ${event.hint}`;
}

/** The line for an event in a log, or null for those that only a terminal or a program wants. */
export function eventText(event: RunEvent | EngineEvent, own: Namespace | null): string | null {
  const text = eventWords(event, own);
  return text === null ? null : printable(text);
}

function eventWords(event: RunEvent, own: Namespace | null): string | null {
  switch (event.type) {
    case 'session-opened':
      return sessionText(event);
    case 'namespace-adopted':
      return `the volumes of ${event.from} are now those of ${event.to}`;
    case 'leftovers':
      return leftoversText(event);
    case 'volume-done':
      return volumeText(event.report, own);
    case 'synced':
      return syncedText(event);
    case 'extracting':
      return `unpacking ${plural(event.layers, 'layer')} that cannot be mounted as ${event.layers === 1 ? 'an image' : 'images'}: ${event.reason}`;
    case 'waiting':
      return waitingText(event);
    case 'warning':
      return `warning: ${warningText(event)}`;
    case 'notice':
      return warningText(event);
    case 'attached':
    case 'command-ended':
    case 'progress':
      return null;
    default:
      return unreachable(event);
  }
}
