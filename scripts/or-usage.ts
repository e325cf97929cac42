/** Runs a script and returns its exit code. Wrong arguments print the usage. */
export async function orUsage(usage: string, main: () => Promise<number>): Promise<number> {
  try {
    return await main();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code?.startsWith('ERR_PARSE_ARGS_') !== true) throw error;
    process.stderr.write(`${message}\n\n${usage}`);
    return 2;
  }
}
