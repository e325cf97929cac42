import { readdirSync, readFileSync, statSync, type Stats } from 'node:fs';

/**
 * Files that a process has open for writing, by {@link fileKey}. What another user's processes have open is seen by root only. Null where
 * the system has no /proc.
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

/**
 * The access mode is the last two bits of the flags that the file was opened with, which stand there as octal digits.
 */
function isForWriting(info: string): boolean {
  const flags = orNull(() => readFileSync(info, 'utf8'))?.match(/^flags:\s*([0-7]+)$/m)?.[1];
  return flags !== undefined && (Number.parseInt(flags.slice(-1), 8) & 3) !== 0;
}

/** Processes and descriptors go at any moment, and others' may not be looked at. */
function orNull<T>(look: () => T): T | null {
  try {
    return look();
  } catch {
    return null;
  }
}
