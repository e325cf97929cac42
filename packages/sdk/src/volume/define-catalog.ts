import type { CacheSharingMode } from '../generated/inputs.ts';
import type { ToolName } from '../generated/tool-names.ts';

/** A volume that a namespace offers. */
export interface OfferedVolume {
  /** The tool whose rules decide what is stored and how it merges. The default is the tool with the volume's name. */
  readonly tool?: ToolName;
  /** The key of the volume. The default is its name. */
  readonly key?: string;
  /**
   * Who owns the volume. `project` (the default): each consumer has its own, and parents share theirs of the same key.
   * `catalog`: the publishing namespace has the only one.
   */
  readonly tier?: 'project' | 'catalog';
  /** How concurrent runs use it. The default is the tool's. */
  readonly sharing?: CacheSharingMode;
  /** Added to the tool's compat fields. */
  readonly compat?: Readonly<Record<string, string>>;
  /** Documentation. Generated clients have it as the method's comment. */
  readonly docs?: string;
  /** Why it is deprecated and what to use instead. Consumers are warned. */
  readonly deprecated?: string;
}

/** A volume must name its tool unless it has the name of one. */
export type OfferedVolumes<Name extends string> = {
  readonly [N in Name]: N extends ToolName ? OfferedVolume : OfferedVolume & { readonly tool: ToolName };
};

/** What a namespace offers to others. */
export interface CatalogDefinition<Name extends string = string> {
  /** Documentation of the catalog. */
  readonly docs?: string;
  /**
   * Volumes by name: a letter, then letters, digits and . _ -. Publishing refuses names that are equal in code, such as
   * `pip-cache` and `pip_cache`.
   */
  readonly volumes: OfferedVolumes<Name>;
}

/**
 * Returns the catalog unchanged, with its names checked by the compiler. Use it for the default export of a file that
 * `cachelane catalog publish` runs, such as `cachelane.catalog.ts`.
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
