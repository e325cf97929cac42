import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CachelaneError,
  type CommandOutcome,
  type LayerStore,
  type Metadata,
  type NodeSignal,
  type RunRequest,
  type Random,
} from '@cachelane/core';
import { formatRemoteAddress, parseRemoteAddress } from '@cachelane/remotes';
import { memoryMetadata, memorySeedFiles, memoryTransferFiles } from '@cachelane/testkit';
import { tools } from '@cachelane/tools';
import { main } from './cli.ts';
import type { Pieces } from './host/pieces.ts';
import type { Host } from './host.ts';

export type Exited = Extract<CommandOutcome, { kind: 'exited' }>;

export const exited = (exitCode: number, more: Partial<Exited> = {}): Exited => ({
  kind: 'exited',
  exitCode,
  interrupted: false,
  receivedSignal: null,
  ...more,
});

/** A host whose home, project and output are the test's own, and whose command is a function. */
export interface Stage extends Disposable {
  /** Holds `home` and `project`. */
  readonly dir: string;
  readonly home: string;
  readonly project: string;
  readonly host: Host;
  /** What the home holds. */
  readonly metadata: Metadata;
  readonly out: () => string;
  readonly err: () => string;
  /** What the runtime was asked to run. */
  readonly commands: readonly RunRequest[];
  /** Signals that the process would have died of. */
  readonly diedOf: readonly NodeSignal[];
  /** As if this process got the signal. */
  readonly signal: (name: NodeSignal) => void;
  readonly cachelane: (...argv: string[]) => Promise<number>;
}

/** The environment of a run that may save nothing. */
export const mergeRequestOfFork: Readonly<Record<string, string>> = {
  GITLAB_CI: 'true',
  CI_PIPELINE_SOURCE: 'merge_request_event',
  CI_MERGE_REQUEST_IID: '12',
  CI_MERGE_REQUEST_SOURCE_BRANCH_NAME: 'main',
  CI_MERGE_REQUEST_TARGET_BRANCH_NAME: 'main',
  CI_MERGE_REQUEST_PROJECT_ID: '7',
  CI_MERGE_REQUEST_SOURCE_PROJECT_ID: '666',
  CI_COMMIT_REF_NAME: 'main',
};

export interface StageOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly pieces?: Partial<Pieces>;
  /** The same number again and again by default. */
  readonly random?: Random;
  /** What the home holds already. */
  readonly metadata?: Metadata;
  /** What stands in for this very program. */
  readonly program?: readonly string[];
  /** What the command does; exits with 0 by default. */
  readonly command?: (request: RunRequest) => CommandOutcome | Promise<CommandOutcome>;
}

const missing = (what: string) => (): Promise<never> =>
  Promise.reject(new CachelaneError('E_NO_MOUNTER', `there is no ${what} on this stage`, { hint: `bring ${what}` }));

const unreachable = (): never => {
  throw new CachelaneError('E_INTERNAL', 'nothing is attached on this stage');
};

export function stage(options: StageOptions = {}): Stage {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'cachelane-cli-')));
  const home = join(dir, 'home');
  const project = join(dir, 'project');
  mkdirSync(project);
  const written = { out: '', err: '' };
  const commands: RunRequest[] = [];
  const diedOf: NodeSignal[] = [];
  const listeners = new Set<(signal: NodeSignal) => void>();
  const metadata = options.metadata ?? memoryMetadata();
  const host: Host = {
    env: { HOME: dir, CACHELANE_HOME: home, ...options.env },
    cwd: () => project,
    os: 'linux',
    arch: 'x64',
    effectiveUid: process.geteuid?.() ?? 0,
    nodeVersion: '26.0.0',
    program: options.program ?? ['false'],
    stdout: { isTerminal: false, write: (text) => void (written.out += text) },
    stderr: { isTerminal: false, write: (text) => void (written.err += text) },
    clock: { nowMs: () => 1_795_531_145_000, monotonicMs: () => 0, sleep: () => Promise.resolve() },
    random: options.random ?? { bytes: (count) => new Uint8Array(count).fill(7) },
    signals: {
      listen: (listener) => {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
      dieOf: (signal) => void diedOf.push(signal),
    },
    pieces: {
      openMetadata: () => Promise.resolve(metadata),
      openLayers: () => Promise.resolve({ list: () => Promise.resolve([]) } as unknown as LayerStore),
      openTransfers: () => Promise.resolve(memoryTransferFiles()),
      openMounters: missing('mounter'),
      openLeases: missing('lease'),
      holdFile: () => Promise.resolve({ [Symbol.dispose]: () => {} }),
      openExportFiles: missing('export file'),
      openImportFiles: missing('import file'),
      // There is no directory on this stage.
      openSeeds: () => Promise.resolve(memorySeedFiles({ volume: unreachable })),
      openProvider: missing('provider'),
      guardProvider: missing('provider'),
      sweepProvidedImages: async () => await Promise.resolve([]),
      openRuntime: () =>
        Promise.resolve({
          name: 'staged',
          async run(request: RunRequest) {
            commands.push(request);
            return (await options.command?.(request)) ?? exited(0);
          },
          survivors: () => Promise.resolve([]),
          endSurvivors: () => Promise.resolve([]),
        }),
      nameRemote: async (address) => await Promise.resolve(formatRemoteAddress(parseRemoteAddress(address))),
      openRemote: missing('remote'),
      startPush: missing('push'),
      startCollect: missing('collection'),
      loadTools: () => Promise.resolve(tools),
      probeMounts: () => Promise.resolve({ ok: true }),
      probeImages: () => Promise.resolve({ ok: true }),
      mountWay: () => Promise.resolve({ way: 'bubblewrap', why: 'the stage has no other' }),
      ...options.pieces,
    },
  };
  return {
    dir,
    home,
    project,
    host,
    metadata,
    out: () => written.out,
    err: () => written.err,
    commands,
    diedOf,
    signal: (name) => {
      for (const listener of listeners) listener(name);
    },
    cachelane: async (...argv) => await main(argv, host),
    [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }),
  };
}
