import type { MounterName, Namespace } from '@cachelane/core';
import type { CacheMode } from '@cachelane/engine';
import type { ReporterName } from '../reporters/choose.ts';
import type { CommitChoice, SharingChoice } from '../base/choice-argument.ts';
import type { ProviderFlags } from '../providers/provider-wishes.ts';
import type { RemoteFlags } from '../remotes/remote-flags.ts';
import type { VolumeArgument } from '../base/volume-argument.ts';

/** The checked options of `cachelane run` or `cachelane shell`. */
export interface RunOptions {
  /** As typed after `-C`. */
  readonly directory: string | undefined;
  readonly namespace: Namespace | undefined;
  readonly volumes: readonly VolumeArgument[];
  readonly commit: CommitChoice;
  readonly mode: CacheMode;
  readonly mounter: MounterName | null;
  readonly sharing: SharingChoice;
  readonly providers: ProviderFlags;
  readonly lockWaitMs: number;
  readonly remote: RemoteFlags;
  /** As typed. */
  readonly report: string | undefined;
  readonly reporter: ReporterName;
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly strict: boolean;
  readonly leaveProcesses: boolean;
  readonly argv: readonly string[];
  /** Whether the command is an interactive shell, whose exit code is that of its last command. */
  readonly isShell: boolean;
}
