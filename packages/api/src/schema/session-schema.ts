import { catalogTypeName, methodName } from '@cachelane/core';
import { schemaText } from '@cachelane/protocol';
import { buildSchema, extendSchema, parse, type GraphQLSchema } from 'graphql';
import { catalogTypes, volumesOf } from './catalog-types.ts';
import { LastUsed } from '../request/last-used.ts';
import { lockedCatalogNode } from './locked-catalog-node.ts';
import { queryRoot } from '../queries/query-root.ts';
import type { ProjectLock } from '../request/world.ts';

/** The schema and root of a session's queries. */
export interface SessionSchema {
  readonly schema: GraphQLSchema;
  readonly queryRoot: object;
  /** Identifies the schema; empty for sessions without locked catalogs. */
  readonly name: string;
}

let fixed: SessionSchema | undefined;

/** Returns the schema without catalogs, which all engines share. */
export function fixedSchema(): SessionSchema {
  return (fixed ??= { schema: buildSchema(schemaText), queryRoot, name: '' });
}

/** Number of extended schemas kept. One of a thousand definitions takes some megabytes and a fraction of a second. */
const schemasKept = 16;
const extended = new LastUsed<string, SessionSchema>(schemasKept);

/** Returns the schema extended by the project's locked catalogs. */
export function schemaFor(lock: ProjectLock | null): SessionSchema {
  if (lock === null) return fixedSchema();
  const known = extended.get(lock.digest);
  if (known !== undefined) return known;
  const made = extendedBy(lock);
  extended.set(lock.digest, made);
  return made;
}

function extendedBy({ digest, catalogs }: ProjectLock): SessionSchema {
  const { schema } = fixedSchema();
  const told = catalogs.filter((catalog) => volumesOf(catalog).length > 0 && isFree(schema, catalog.alias));
  if (told.length === 0) return fixedSchema();
  const fields = told.map((catalog) => [methodName(catalog.alias), lockedCatalogNode(catalog)]);
  return {
    // The lock was validated when it was made. Validating here would take most of the time.
    schema: extendSchema(schema, parse(catalogTypes(told), { noLocation: true }), { assumeValidSDL: true }),
    queryRoot: { ...queryRoot, ...Object.fromEntries(fields) },
    name: digest,
  };
}

/** A newer schema may have taken a name that was free when the alias was locked. */
function isFree(schema: GraphQLSchema, alias: string): boolean {
  const field = schema.getQueryType()?.getFields()[methodName(alias)];
  return field === undefined && schema.getType(catalogTypeName(alias)) === undefined;
}
