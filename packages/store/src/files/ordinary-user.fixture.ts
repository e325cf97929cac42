/**
 * Makes the whole process of a test file an ordinary user, for good, where it runs as root: permissions mean nothing to
 * root. Each test file has a process of its own.
 */
export function becomeOrdinaryUser(): void {
  if (process.getuid?.() !== 0) return;
  const nobody = 65_534;
  process.setgroups?.([]);
  process.setgid?.(nobody);
  process.setuid?.(nobody);
}
