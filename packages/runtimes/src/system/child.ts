import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process';

export interface Child {
  readonly pid: number;
  /** Never rejects. */
  end(): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  readonly stderr: ChildProcess['stderr'];
}

export interface StartOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly stdio: readonly (number | 'ignore' | 'pipe')[];
}

/** Starts a program or returns the error. Node throws some errors and emits others. */
export async function startChild(
  argv: readonly string[],
  { cwd, env, stdio }: StartOptions,
): Promise<Child | { readonly error: NodeJS.ErrnoException }> {
  const [file = '', ...args] = argv;
  const options: SpawnOptions = { cwd, env, stdio: [...stdio] };
  let child: ChildProcess;
  try {
    child = spawn(file, args, options);
  } catch (error) {
    return { error: error as NodeJS.ErrnoException };
  }
  const failed = Promise.withResolvers<NodeJS.ErrnoException>();
  const ended = Promise.withResolvers<Awaited<ReturnType<Child['end']>>>();
  child.once('error', failed.resolve);
  child.once('close', (code, signal) => ended.resolve({ code, signal }));
  if (child.pid === undefined) return { error: await failed.promise };
  return { pid: child.pid, end: async () => await ended.promise, stderr: child.stderr };
}
