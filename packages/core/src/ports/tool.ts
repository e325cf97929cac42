import type { BytePath } from '../layers/byte-path.ts';
import type { MergeClass } from '../layers/entry.ts';
import type { Sync } from '../names/volume.ts';
import type { MergeDriver } from './merge-driver.ts';

/** What a tool's declaration may ask about the machine and the user's settings. Nothing else decides where a cache lies. */
export interface ToolEnvironment {
  /** The user's home directory, absolute. */
  readonly homeDir: string;
  /** Directory the command runs in, absolute. */
  readonly workDir: string;
  /** `process.platform` and `process.arch` of the machine that runs the command. */
  readonly os: string;
  readonly arch: string;
  /** An environment variable of the command, or undefined. */
  env(name: string): string | undefined;
  /** A small configuration file of the user or project as text, or undefined; absolute path. */
  readText(path: string): string | undefined;
  /**
   * The version that a program of the command's PATH calls its own (`NAME --version`), or undefined where it is not there or does not
   * say. It is started for that: ask only where versions have to be kept apart, and no file tells.
   */
  programVersion(name: string): string | undefined;
}

/** Where a tool's cache lies for this command. */
export interface ToolLocation {
  /** Absolute path of the cache directory itself; nothing above it is ever attached. */
  readonly path: string;
  /** Who decided, for people: `npm's default`, `npm_config_cache in the environment`. */
  readonly source: string;
  /** A file of the repository decided: the place must lie in the project or below the home directory. */
  readonly byProject?: boolean;
}

/** What happens to a path of the volume when a run is saved. */
export type PathRule =
  | {
      readonly kind: 'never';
      /** Why it is never stored, for people: `temporary files`. */
      readonly reason: string;
      /** Nobody else may get to see it either, also not in a directory that runs share. */
      readonly isSecret?: boolean;
    }
  | {
      readonly kind: 'keep';
      readonly mergeClass: MergeClass;
      readonly driver: MergeDriver;
      /** Label of the atomic group, or null. */
      readonly group: string | null;
      /** Whether a removal by an ordinary run counts. */
      readonly removals: 'count' | 'hint';
      /** `far-future`: stored with {@link farFutureNs}, for tools that refresh mtimes of what they use. */
      readonly mtime: 'keep' | 'far-future';
      /**
       * `success`: after a command that failed it is left out, where nobody asked for it, also of a cache whose tool leaves only good
       * entries behind: what is in no format that the rules know may be half of something. `tool`: as the tool says.
       */
      readonly commitWhen: 'tool' | 'success';
    };

/** 2200-01-01T00:00:00Z: no tool's age check fires, and every file system can hold it. */
export const farFutureNs = 7_258_118_400_000_000_000n;

/** Looks at the merged view while a path is classified; for rules that depend on content, such as SQLite's magic. */
export interface ClassifyContext {
  /** The first `count` bytes of a file of the view, or undefined where there is no such file. */
  peek(path: BytePath, count: number): Uint8Array | undefined;
}

/**
 * When a tool holds something of its cache against a digest that it has from elsewhere: each time it uses it, once while it
 * fetches it, where a project asks for it, or never.
 */
export type Checked = 'when used' | 'when fetched' | 'when asked' | 'never';

/** One kind of thing that a cache stores. How it merges is not said again: it follows from the rule for its path. */
export interface StoredPart {
  /** As the tool would name it, with `<64 hex>` for so many hexadecimal digits: `cas/00/<64 hex>`; see {@link examplePath}. */
  readonly path: string;
  /** For people: `archives of packages`. */
  readonly what: string;
  readonly checked: Checked;
}

/** A path that a pattern of {@link StoredPart} stands for, for the tool's rules to classify. */
export function examplePath(pattern: string): { readonly path: BytePath; readonly isDirectory: boolean } {
  const path = pattern.replace(/<(\d+) hex>/g, (_, count: string) => '0'.repeat(Number(count)));
  return { path: path.replace(/\/$/, '') as BytePath, isDirectory: path.endsWith('/') };
}

/**
 * How a tool itself frees space in its cache. `none` for one that has no command for it, or one that removes everything, or
 * things that only look unused where a cache is kept apart from the projects.
 */
export type Prune =
  | {
      readonly kind: 'command';
      readonly argv: readonly string[];
      /** For people: `contents that its index does not name`. */
      readonly removes: string;
    }
  /** `why` for people, one clause. */
  | { readonly kind: 'none'; readonly why: string };

/** `exit`: whenever the command ended by itself, whatever its exit code. `success`: exit code 0 only. */
export type CommitWhen = 'exit' | 'success';

/** Knowledge about one kind of cache. Pure: it declares, the engine acts. */
export interface Tool {
  /** The name a user types: `npm`, `go-build`. */
  readonly name: string;
  /** Raised when a rule or one of its drivers answers differently: answers cached under older rules are not reused. */
  readonly rulesVersion: number;
  /** One line for `cachelane tools` and docs. */
  readonly summary: string;
  /** File names in a project directory that say that this tool is used there. */
  readonly lockfiles: readonly string[];
  /** Where the cache lies; null for a tool that has no place of its own (unknown directory). */
  locate(environment: ToolEnvironment): ToolLocation | null;
  /** Why `locate` finds no place here though the tool is used here, for people; undefined where nothing special is the matter. */
  whyNowhere?(environment: ToolEnvironment): string | undefined;
  /**
   * Settings of the command's environment that make the tool keep its cache in another directory (absolute), for machines that may
   * not mount; null where only a mount, or a symlink, can put one in the place of the other.
   */
  redirect(path: string): Readonly<Record<string, string>> | null;
  /**
   * Whether it makes hard links from its cache into the project: those need both on one mount, so a kept directory that all runs share
   * serves it better than a mounted view.
   */
  readonly linksOut: boolean;
  /**
   * Settings of the command's environment that leave to us what the tool would do with its cache by itself: size limits that make it
   * evict, whose removals do not count here, and things that belong to one machine. What the user has set stands.
   */
  readonly env?: Readonly<Record<string, string>>;
  /**
   * What of it outlives the command that started it, and settings of the command's environment that keep it from doing so; what the
   * user has set stands. Whatever is left is ended before a run is saved.
   */
  readonly daemon?: { readonly what: string; readonly settings: Readonly<Record<string, string>> };
  /** Who can use whose contents; part of the volume's identity. */
  compat(environment: ToolEnvironment): Readonly<Record<string, string>>;
  /** `path` is never the root; `isDirectory` tells about the change at hand. */
  classify(path: BytePath, isDirectory: boolean, context: ClassifyContext): PathRule;
  /** `exit` where the tool leaves only good entries behind, whatever becomes of the command. */
  readonly commitWhen: CommitWhen;
  readonly prune: Prune;
  /**
   * Whether any of its files may be gone: the tool gets or makes it again, and what names it by a path is known to its merge drivers. Not where a part of it may be the only copy, if only of what a project put there itself. Then a volume can be kept within a budget by what goes of it;
   * of others it is known only that all may go.
   */
  readonly losesFiles?: true;
  /** `never` where another machine gets or makes the contents as fast by itself, or cannot use them. */
  readonly sync: Sync;
  /** What keeps the formats of the tool's versions apart, for people, one clause. A field of `compat` where nothing of the tool's does. */
  readonly versions: string;
  /** What is stored, most important first: for people, and held to `classify` by a test. */
  readonly stored: readonly StoredPart[];
  /** Paths of what is never stored, as in {@link StoredPart}; the rule of each has the reason. */
  readonly neverStored: readonly string[];
  /**
   * The digest that a file's name says its content has, for tools that hand out their files as hard links: whoever edits such a link
   * edits the cache. Undefined for names that say none; absent where no name does.
   */
  contentDigest?(
    path: BytePath,
  ): { readonly algorithm: 'sha1' | 'sha256' | 'sha512'; readonly hex: string } | undefined;
  /**
   * How the rules were tried: with the tool itself; with a tree made by hand after its documentation, which shows that the rules do
   * what they say and not that the tool works so; or not yet.
   */
  readonly tried: 'real tool' | 'fixture' | 'not yet';
}

/** A tool whose rules could not be recognised falls back to this name's rules. */
export const unknownToolName = 'directory';
