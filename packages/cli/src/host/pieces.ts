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
  /** Real path of the existing, private home. */
  readonly homeDir: string;
  readonly bootId: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
}

/** Leases that also find the remains of dead sessions. */
export interface SweepingLeases extends LeaseStore {
  sweep(nowMs: number, signal: AbortSignal): Promise<readonly SessionId[]>;
}

export type MountProbe = { readonly ok: true } | { readonly ok: false; readonly reason: string; readonly mend: string };

interface ExportFiles {
  /** Moves the file into place when it is complete. Returns its size in bytes. Throws the system's error if it cannot create a file there. */
  write(file: string, parts: AsyncIterable<ExportPart>, signal: AbortSignal): Promise<number>;
  read(file: string): AsyncIterable<ExportPart>;
  /** Whether a file begins like an export. */
  isExport(file: string): boolean;
}

/** Reads files of other programs, as archive members in order. */
export interface ImportFiles {
  archive(file: string, signal: AbortSignal): AsyncIterable<ArchiveMember>;
  directory(dir: string, signal: AbortSignal): AsyncIterable<ArchiveMember>;
  unpack(members: AsyncIterable<ArchiveMember>, unpacking: Unpacking): Promise<Unpacked>;
}

export interface ProviderPlace {
  /** The own store, which providers must not write to. */
  readonly storeDir: string;
  readonly bootId: string;
  readonly clock: Clock;
  readonly platform: { readonly os: string; readonly arch: string };
}

interface RemoteRequest {
  /** In the form of {@link Pieces.nameRemote}. */
  readonly address: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Attempts of a failed call; default: `limits.remoteAttempts`. */
  readonly attempts?: number;
}

/** The drivers behind the ports. Tests replace them to inject failures. */
export interface Pieces {
  openMetadata(request: StoreRequest): Promise<Metadata>;
  openLayers(request: StoreRequest): Promise<LayerStore>;
  openTransfers(request: StoreRequest): Promise<TransferFiles>;
  openMounters(request: StoreRequest): Promise<Mounters>;
  openLeases(request: StoreRequest): Promise<SweepingLeases>;
  /** Locks the file until disposal or the end of the process. Returns null if another process has it. */
  holdFile(file: string): Promise<Disposable | null>;
  openRuntime(): Promise<Runtime>;
  openExportFiles(): Promise<ExportFiles>;
  openImportFiles(): Promise<ImportFiles>;
  openSeeds(request: StoreRequest): Promise<SeedFiles>;
  /** Returns undefined for a kind that is not built in. */
  openProvider(kind: ProviderKind, request: ProviderPlace): Promise<Provider | undefined>;
  /** Removes registry contents unused for a month, and partial ones; a dry run only finds them. Returns names in the home. */
  sweepProvidedImages(
    request: Omit<ProviderPlace, 'platform'> & { readonly dryRun: boolean },
  ): Promise<readonly string[]>;
  /** Wraps a custom provider, so that it cannot name forbidden directories. */
  guardProvider(provider: Provider, storeDir: string): Promise<Provider>;
  loadTools(): Promise<readonly Tool[]>;
  /** Returns the normalized address without opening it. Throws E_CONFIG, which never repeats a secret. */
  nameRemote(address: string): Promise<string>;
  /** Connects on first use. */
  openRemote(request: RemoteRequest): Promise<Remote>;
  /** Starts a `cachelane push` in the background. */
  startPush(push: PushProcess): Promise<void>;
  /** Starts a `cachelane gc` in the background. */
  startCollect(collect: CollectProcess): Promise<void>;
  /** Mounts something in the home as a run would. */
  probeMounts(homeDir: string): Promise<MountProbe>;
  /** Whether pulled layers are kept as images: not disabled, and a test mount in `dir` works. */
  probeImages(dir: string): Promise<MountProbe>;
  /** Returns how a run's mounts are made. */
  mountWay(): Promise<ChosenWay>;
}

export type MountWay = 'bubblewrap' | 'sudo';

export interface ChosenWay {
  readonly way: MountWay;
  /** One clause, for messages. */
  readonly why: string;
}

export interface PushProcess extends Omit<BackgroundProcess, 'words' | 'log'> {
  /** The remote's normalized address. */
  readonly address: string;
}

export type CollectProcess = Pick<BackgroundProcess, 'program' | 'homeDir' | 'env'> &
  (
    | { readonly where: 'here'; /** Of the lane that began it. */ readonly trust: TrustLevel }
    | { readonly where: 'remote'; /** In its one spelling. */ readonly address: string }
  );

export interface BackgroundProcess {
  /** How to start this program. */
  readonly program: readonly string[];
  /** The command with its arguments, which other users can read. */
  readonly words: readonly string[];
  /** Real path. */
  readonly homeDir: string;
  /** File to which stderr is appended. */
  readonly log: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Called once when it has ended or could not start, unless this process ends first. */
  readonly onEnd?: () => void;
}
