import type {
  Clock,
  LayerStore,
  LeaseStore,
  Metadata,
  Mounters,
  Provider,
  ProviderKind,
  Random,
  Remote,
  Runtime,
  SeedFiles,
  SessionId,
  Tool,
  TransferFiles,
  TrustLevel,
} from '@cachelane/core';
import type { ExportPart } from '@cachelane/engine';
import type { ArchiveMember, Unpacked, Unpacking } from '@cachelane/store';

export interface StoreRequest {
  /** Real path of the home; it exists and is ours. */
  readonly homeDir: string;
  readonly bootId: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
}

/** Leases that can also look for what dead sessions left. */
export interface SweepingLeases extends LeaseStore {
  sweep(nowMs: number, signal: AbortSignal): Promise<readonly SessionId[]>;
}

export type MountProbe = { readonly ok: true } | { readonly ok: false; readonly reason: string; readonly mend: string };

/** Exports as files. */
interface ExportFiles {
  /** Puts the file in place when it is whole; returns its size in bytes. */
  write(file: string, parts: AsyncIterable<ExportPart>, signal: AbortSignal): Promise<number>;
  read(file: string): AsyncIterable<ExportPart>;
  /** Whether a plain file begins as one. */
  isExport(file: string): boolean;
}

/** What others made, to be imported, as members of an archive one after the other. */
export interface ImportFiles {
  archive(file: string, signal: AbortSignal): AsyncIterable<ArchiveMember>;
  directory(dir: string, signal: AbortSignal): AsyncIterable<ArchiveMember>;
  unpack(members: AsyncIterable<ArchiveMember>, unpacking: Unpacking): Promise<Unpacked>;
}

export interface ProviderPlace {
  /** Our own, which nobody is sent to. */
  readonly storeDir: string;
  readonly bootId: string;
  readonly clock: Clock;
  readonly platform: { readonly os: string; readonly arch: string };
}

interface RemoteRequest {
  /** As {@link Pieces.nameRemote} spells it. */
  readonly address: string;
  readonly clock: Clock;
  readonly random: Random;
  /** How often a call is tried where that may help; `limits.remoteAttempts` when left out. */
  readonly attempts?: number;
}

/** The drivers behind the ports. Tests put others in their place, to make them fail or die at a chosen moment. */
export interface Pieces {
  openMetadata(request: StoreRequest): Promise<Metadata>;
  openLayers(request: StoreRequest): Promise<LayerStore>;
  openTransfers(request: StoreRequest): Promise<TransferFiles>;
  openMounters(request: StoreRequest): Promise<Mounters>;
  openLeases(request: StoreRequest): Promise<SweepingLeases>;
  /** Has the file for this process until it is given back or the process ends, however it ends. Null: another one has it. */
  holdFile(file: string): Promise<Disposable | null>;
  openRuntime(): Promise<Runtime>;
  openExportFiles(): Promise<ExportFiles>;
  openImportFiles(): Promise<ImportFiles>;
  openSeeds(request: StoreRequest): Promise<SeedFiles>;
  /** Of the kinds that every cachelane has. */
  openProvider(kind: ProviderKind, request: ProviderPlace): Promise<Provider | undefined>;
  /** Removes what nobody used for a month of what images of registries hold, and halves of such; only finds it in a dry run. Returns names in the home. */
  sweepProvidedImages(
    request: Omit<ProviderPlace, 'platform'> & { readonly dryRun: boolean },
  ): Promise<readonly string[]>;
  /** Somebody else's, so that it sends nobody to where a person may not send them. */
  guardProvider(provider: Provider, storeDir: string): Promise<Provider>;
  loadTools(): Promise<readonly Tool[]>;
  /** The one spelling of a remote's address; nothing is opened. Throws E_CONFIG, and repeats nothing that may be a secret. */
  nameRemote(address: string): Promise<string>;
  /** Asks nothing of it yet. */
  openRemote(request: RemoteRequest): Promise<Remote>;
  /** Leaves a `cachelane push` behind. */
  startPush(push: PushProcess): Promise<void>;
  /** Leaves a `cachelane gc` behind. */
  startCollect(collect: CollectProcess): Promise<void>;
  /** Really mounts something in the home, in the way that runs do. */
  probeMounts(homeDir: string): Promise<MountProbe>;
  /** Whether pulled layers are kept as images: nobody said otherwise, and one is really mounted in `dir`, in the way that runs do. */
  probeImages(dir: string): Promise<MountProbe>;
  /** What makes the mounts of a run. */
  mountWay(): Promise<ChosenWay>;
}

export type MountWay = 'bubblewrap' | 'sudo';

export interface ChosenWay {
  readonly way: MountWay;
  /** One clause, for people. */
  readonly why: string;
}

export interface PushProcess extends Omit<BackgroundProcess, 'words' | 'log'> {
  /** Of the remote, in its one spelling. */
  readonly address: string;
}

export type CollectProcess = Pick<BackgroundProcess, 'program' | 'homeDir' | 'env'> &
  (
    | { readonly where: 'here'; /** Of the lane that began it. */ readonly trust: TrustLevel }
    | { readonly where: 'remote'; /** In its one spelling. */ readonly address: string }
  );

export interface BackgroundProcess {
  /** How to start this very program. */
  readonly program: readonly string[];
  /** The command with its arguments, which anybody may read. */
  readonly words: readonly string[];
  /** Real path. */
  readonly homeDir: string;
  /** Whatever it says on stderr is appended to this file. */
  readonly log: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Told once, when it has ended or could not be started; never, where this process ends first. */
  readonly onEnd?: () => void;
}
