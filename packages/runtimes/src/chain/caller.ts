import { readFileSync } from 'node:fs';
import type { Caller } from './sudo-chain.ts';

/** Options of prlimit(1) by the names in `/proc/PID/limits`. */
const limitOptions: Readonly<Record<string, string>> = {
  'Max cpu time': 'cpu',
  'Max file size': 'fsize',
  'Max data size': 'data',
  'Max stack size': 'stack',
  'Max resident set': 'rss',
  'Max processes': 'nproc',
  'Max open files': 'nofile',
  'Max locked memory': 'memlock',
  'Max address space': 'as',
  'Max file locks': 'locks',
  'Max pending signals': 'sigpending',
  'Max msgqueue size': 'msgqueue',
  'Max nice priority': 'nice',
  'Max realtime priority': 'rtprio',
  'Max realtime timeout': 'rttime',
  'Max core file size': 'core',
};

/**
 * Returns the limits in a `/proc/PID/limits` text as options of prlimit(1). The core limit is last: sudo may lower it for good, and prlimit
 * stops at the first limit that it cannot set.
 */
export function limitArguments(text: string): readonly string[] {
  const lines = text.split('\n').toSorted((a, b) => Number(a.includes('core file')) - Number(b.includes('core file')));
  return lines.flatMap((line) => {
    const [, name = '', soft, hard] = /^(Max [a-z ]*?[a-z])\s{2,}(\d+|unlimited)\s+(\d+|unlimited)\b/.exec(line) ?? [];
    const option = limitOptions[name];
    return option === undefined ? [] : [`--${option}=${soft}:${hard}`];
  });
}

/** Returns this process's ids, groups and limits, for the command. */
export function thisCaller(): Caller {
  const { geteuid, getegid, getgroups } = process;
  return {
    uid: geteuid?.() ?? 0,
    gid: getegid?.() ?? 0,
    groups: getgroups?.() ?? [],
    umask: process.umask(),
    limits: limitArguments(readLimits()),
  };
}

function readLimits(): string {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return '';
  }
}
