import type { CacheSharingMode } from '../generated/inputs.ts';
import type { ToolName } from '../generated/tool-names.ts';

/** A volume that a namespace offers, as its file says it. */
export interface OfferedVolume {
  /** The tool whose rules decide what is stored and how it merges; that of the volume's name where it is left out. */
  readonly tool?: ToolName;
  /** The key of the volume; its name where it is left out. */
  readonly key?: string;
  /**
   * Whose volume it is. `project`, where it is left out: each consumer has its own, with what the namespaces above share of that key below it. `catalog`: there is one, of the namespace that publishes.
   */
  readonly tier?: 'project' | 'catalog';
  /** Who may be at work in it at once; as the tool suits it where it is left out. */
  readonly sharing?: CacheSharingMode;
  /** Added to what the tool says about who can use whose contents. */
  readonly compat?: Readonly<Record<string, string>>;
  /** For people: what it is for. Generated clients have it as the comment of its method. */
  readonly docs?: string;
  /** Why it should not be used any more, and what to use instead: told to whoever still does. */
  readonly deprecated?: string;
}

/** One whose name is that of no tool has to name its tool. */
export type OfferedVolumes<Name extends string> = {
  readonly [N in Name]: N extends ToolName ? OfferedVolume : OfferedVolume & { readonly tool: ToolName };
};

/** What a namespace offers to others. */
export interface CatalogDefinition<Name extends string = string> {
  /** For people: what all of it is for. */
  readonly docs?: string;
  /** By the name that consumers ask for: letters, digits and . _ - behind a letter. Names that would be one in code, as `pip-cache` and `pip_cache`, are refused when it is published. */
  readonly volumes: OfferedVolumes<Name>;
}

/**
 * What a namespace offers, as the default export of a file that `cachelane catalog publish` runs, such as `cachelane.catalog.ts`. It changes nothing: it has the compiler check the names.
 *
 * @example
 * ```ts
 * import { defineCatalog } from '@cachelane/sdk';
 *
 * export default defineCatalog({
 *   docs: 'Caches of Acme.',
 *   volumes: {
 *     npm: { docs: 'Packages of npm.' },
 *     'pip-cache': { tool: 'pip', tier: 'catalog', docs: 'Wheels, built for the image of our runners.' },
 *     'old-wheels': { tool: 'pip', deprecated: 'use pip-cache' },
 *   },
 * });
 * ```
 */
export function defineCatalog<Name extends string>(catalog: CatalogDefinition<Name>): CatalogDefinition<Name> {
  return catalog;
}
