import { readdirSync, readFileSync, statSync, type Stats } from 'node:fs';

/**
 * Returns the files that processes have open for writing, by {@link fileKey}. Only root sees other users'
 * processes. Returns null without /proc.
 */
export function filesOpenForWriting(): ReadonlySet<string> | null {
  const processes = orNull(() => readdirSync('/proc'))?.filter((name) => /^\d+$/.test(name)) ?? [];
  if (processes.length === 0) return null;
  const open = new Set<string>();
  for (const pid of processes) {
    for (const descriptor of orNull(() => readdirSync(`/proc/${pid}/fd`)) ?? []) {
      if (!isForWriting(`/proc/${pid}/fdinfo/${descriptor}`)) continue;
      const stat = orNull(() => statSync(`/proc/${pid}/fd/${descriptor}`));
      if (stat?.isFile() === true) open.add(fileKey(stat));
    }
  }
  return open;
}

export function fileKey({ dev, ino }: Pick<Stats, 'dev' | 'ino'>): string {
  return `${dev}:${ino}`;
}

/** Returns whether the access mode, the last two bits of the octal flags, includes writing. */
function isForWriting(info: string): boolean {
  const flags = orNull(() => readFileSync(info, 'utf8'))?.match(/^flags:\s*([0-7]+)$/m)?.[1];
  return flags !== undefined && (Number.parseInt(flags.slice(-1), 8) & 3) !== 0;
}

/** Processes and descriptors vanish at any time, and other users' are not readable. */
function orNull<T>(look: () => T): T | null {
  try {
    return look();
  } catch {
    return null;
  }
}
