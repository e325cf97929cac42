/**
 * Puts the temporary directories of this test file on the disk where `npm test` keeps others in memory.
 * Images need it: the kernel mounts a file in memory only through a loop device.
 */
export function useDisk(): void {
  const { CACHELANE_TEST_DISK: dir } = process.env;
  if (dir !== undefined) process.env['TMPDIR'] = dir;
}
