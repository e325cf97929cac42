import { CachelaneError, type ErrorCode } from '@cachelane/core';
import { printable } from './format.ts';

const framesShown = 3;

/** Returns at most three lines for a person: what failed and why, and what to do next. A bug also names its place. */
export function errorText(error: unknown): string {
  if (error instanceof CachelaneError && error.code !== 'E_INTERNAL') {
    const next = error.hint ?? nextStep(error.code);
    return `cachelane: ${printable(error.message)}\n${next === null ? '' : `  ${printable(next)}\n`}`;
  }
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const frames = error instanceof Error ? framesOf(error) : '';
  return (
    `cachelane: this is a bug in cachelane: ${printable(message)}\n` +
    `${frames === '' ? '' : `  ${printable(frames)}\n`}  report it with these lines and the command\n`
  );
}

function framesOf({ stack = '' }: Error): string {
  const frames = stack.split('\n').filter((line) => /^ +at /.test(line));
  return frames
    .slice(0, framesShown)
    .map((line) => line.trim())
    .join(', ');
}

/** Returns what to do about an error that has no hint; null if its message says enough. */
export function nextStep(code: ErrorCode): string | null {
  switch (code) {
    case 'E_DISK_FULL':
      return 'free space: cachelane gc --dry-run shows what can be deleted';
    case 'E_LAYER_MISSING':
    case 'E_LAYER_CORRUPT':
      return 'find damage with cachelane verify; --repair removes damaged layers from use';
    case 'E_OBJECT_CORRUPT':
      return 'find damage with cachelane verify remote; --repair removes damaged layers from use';
    case 'E_HEAD_MOVED':
    case 'E_REMOTE_BUSY':
    case 'E_REMOTE_UNKNOWN':
    case 'E_STORE_BUSY':
      return 'try again later';
    case 'E_REMOTE_GONE':
      return 'check its address, the network, and that the server runs; runs continue with local caches';
    case 'E_REMOTE_FULL':
      return 'free space in the remote: cachelane gc --remote';
    default:
      return null;
  }
}
