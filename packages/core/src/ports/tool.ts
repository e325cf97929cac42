import type { BytePath } from '../layers/byte-path.ts';
import type { MergeClass } from '../layers/entry.ts';
import type { Sync } from '../names/volume.ts';
import type { MergeDriver } from './merge-driver.ts';

/** What a tool may read of the machine and the user's settings. */
export interface ToolEnvironment {
  /** The user's home directory, absolute. */
  readonly homeDir: string;
  /** The directory that the command runs in, absolute. */
  readonly workDir: string;
  /** `process.platform` and `process.arch` of the machine. */
  readonly os: string;
  readonly arch: string;
  /** Returns an environment variable of the command. */
  env(name: string): string | undefined;
  /** Returns the text of a small configuration file of the user or project. The path is absolute. */
  readText(path: string): string | undefined;
  /**
   * Returns the version that a program on the command's PATH reports (`NAME --version`). This starts the program: use
   * it only if versions need separate volumes and no file tells the version.
   */
  programVersion(name: string): string | undefined;
}

/** The location of a tool's cache for this command. */
export interface ToolLocation {
  /** Absolute path of the cache directory. Nothing above it is ever attached. */
  readonly path: string;
  /** Where the path came from; display text: `npm's default`, `npm_config_cache in the environment`. */
  readonly source: string;
  /** Whether a file in the repository set the path. It must then be in the project or below the home directory. */
  readonly byProject?: boolean;
}

/** How a path of the volume is saved. */
export type PathRule =
  | {
      readonly kind: 'never';
      /** Why it is never stored; display text: `temporary files`. */
      readonly reason: string;
      /** Whether other runs must not see it, even in a shared directory. */
      readonly isSecret?: boolean;
    }
  | {
      readonly kind: 'keep';
      readonly mergeClass: MergeClass;
      readonly driver: MergeDriver;
      /** Label of the atomic group, or null. */
      readonly group: string | null;
      /** Whether removals by ordinary runs count. */
      readonly removals: 'count' | 'hint';
      /** `far-future`: stored with {@link farFutureNs}, for tools that refresh the mtime of files they use. */
      readonly mtime: 'keep' | 'far-future';
      /**
       * `tool`: as the tool's own rule says. `success`: left out after a failed command unless the user asked for it,
       * because a file of unknown format may be incomplete.
       */
      readonly commitWhen: 'tool' | 'success';
    };

/** 2200-01-01T00:00:00Z: every file system can hold it, and no tool considers it old. */
export const farFutureNs = 7_258_118_400_000_000_000n;

/** Reads the merged view during classification, for rules that depend on content, such as SQLite's magic. */
export interface ClassifyContext {
  /** Returns the first `count` bytes of a file, or undefined if it does not exist. */
  peek(path: BytePath, count: number): Uint8Array | undefined;
}

/** When a tool verifies a stored file with a digest from elsewhere. */
export type Checked = 'when used' | 'when fetched' | 'when asked' | 'never';

/** One kind of file in a cache. Its path rule defines how it merges. */
export interface StoredPart {
  /** A path pattern, with `<64 hex>` for 64 hexadecimal digits: `cas/00/<64 hex>`; see {@link examplePath}. */
  readonly path: string;
  /** For people: `archives of packages`. */
  readonly what: string;
  readonly checked: Checked;
}

/** Returns an example path for a pattern of {@link StoredPart}. */
export function examplePath(pattern: string): { readonly path: BytePath; readonly isDirectory: boolean } {
  const path = pattern.replace(/<(\d+) hex>/g, (_, count: string) => '0'.repeat(Number(count)));
  return { path: path.replace(/\/$/, '') as BytePath, isDirectory: path.endsWith('/') };
}

/**
 * How the tool itself frees space in its cache. `none` if it has no command for that, or its command would remove
 * everything or items in use by other projects.
 */
export type Prune =
  | {
      readonly kind: 'command';
      readonly argv: readonly string[];
      /** For people: `contents that its index does not name`. */
      readonly removes: string;
    }
  /** `why` is one clause of display text. */
  | { readonly kind: 'none'; readonly why: string };

/** `exit`: whenever the command ended by itself, whatever its exit code. `success`: exit code 0 only. */
export type CommitWhen = 'exit' | 'success';

/** The rules for one kind of cache. Pure: the engine acts on them. */
export interface Tool {
  /** The name a user types: `npm`, `go-build`. */
  readonly name: string;
  /** Raise it when a rule or driver gives different answers. Answers cached under older rules are not reused. */
  readonly rulesVersion: number;
  /** One line for `cachelane tools` and docs. */
  readonly summary: string;
  /** Names of files in a project directory that show that the project uses this tool. */
  readonly lockfiles: readonly string[];
  /** Returns the location of the cache; null for a tool without a location of its own (unknown directory). */
  locate(environment: ToolEnvironment): ToolLocation | null;
  /** Returns why `locate` finds no location although the project uses the tool, as display text. */
  whyNowhere?(environment: ToolEnvironment): string | undefined;
  /**
   * Returns environment variables that move the cache to another absolute path, for machines that cannot mount. Null
   * if only a mount or a symlink can.
   */
  redirect(path: string): Readonly<Record<string, string>> | null;
  /**
   * Whether the tool creates hard links from its cache into the project. They need both on one mount, so a shared
   * directory fits better than a mounted view.
   */
  readonly linksOut: boolean;
  /**
   * Environment variables that disable the tool's own eviction and machine-specific features. The user's values take
   * precedence.
   */
  readonly env?: Readonly<Record<string, string>>;
  /**
   * The tool's background process, and environment variables that prevent it. The user's values take precedence.
   * Remaining processes are ended before a save.
   */
  readonly daemon?: { readonly what: string; readonly settings: Readonly<Record<string, string>> };
  /** Returns the fields that separate incompatible contents; part of the volume's identity. */
  compat(environment: ToolEnvironment): Readonly<Record<string, string>>;
  /** Returns the rule for a path. `path` is never the root; `isDirectory` describes the current change. */
  classify(path: BytePath, isDirectory: boolean, context: ClassifyContext): PathRule;
  /** `exit` if the tool leaves only complete entries, even when the command fails. */
  readonly commitWhen: CommitWhen;
  readonly prune: Prune;
  /**
   * Whether any file may be deleted: the tool fetches or rebuilds it, and the merge drivers know what refers to it.
   * Such volumes can be kept within a budget. Absent if a file may be the only copy.
   */
  readonly losesFiles?: true;
  /** `never` if other machines cannot use the contents or rebuild them as fast. */
  readonly sync: Sync;
  /** How volumes of different tool versions stay apart, one clause of display text; or a `compat` field. */
  readonly versions: string;
  /** What is stored, most important first. A test compares it with `classify`. */
  readonly stored: readonly StoredPart[];
  /** Patterns of paths that are never stored, as in {@link StoredPart}. */
  readonly neverStored: readonly string[];
  /**
   * Returns the content digest that a file name contains, for tools that hand out hard links: editing such a link
   * edits the cache. Absent if no names contain digests.
   */
  contentDigest?(
    path: BytePath,
  ): { readonly algorithm: 'sha1' | 'sha256' | 'sha512'; readonly hex: string } | undefined;
  /**
   * How the rules were tested: with the real tool, with a hand-made tree that follows the tool's documentation, or
   * not yet.
   */
  readonly tried: 'real tool' | 'fixture' | 'not yet';
}

/** The rules used for unknown tools. */
export const unknownToolName = 'directory';
