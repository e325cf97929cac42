/**
 * Makes the process of this test file an ordinary user permanently if it runs as root, because root ignores
 * permissions. Each test file has its own process.
 */
export function becomeOrdinaryUser(): void {
  if (process.getuid?.() !== 0) return;
  const nobody = 65_534;
  process.setgroups?.([]);
  process.setgid?.(nobody);
  process.setuid?.(nobody);
}
