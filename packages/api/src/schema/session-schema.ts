import { catalogTypeName, methodName } from '@cachelane/core';
import { schemaText } from '@cachelane/protocol';
import { buildSchema, extendSchema, parse, type GraphQLSchema } from 'graphql';
import { catalogTypes, volumesOf } from './catalog-types.ts';
import { LastUsed } from '../request/last-used.ts';
import { lockedCatalogNode } from './locked-catalog-node.ts';
import { queryRoot } from '../queries/query-root.ts';
import type { ProjectLock } from '../request/world.ts';

/** What documents of a session are read and answered by. */
export interface SessionSchema {
  readonly schema: GraphQLSchema;
  readonly queryRoot: object;
  /** Tells it from others; empty for the one of all sessions that have locked nothing. */
  readonly name: string;
}

let fixed: SessionSchema | undefined;

/** The same for every engine. */
export function fixedSchema(): SessionSchema {
  return (fixed ??= { schema: buildSchema(schemaText), queryRoot, name: '' });
}

/** Of projects whose programs came last: one of a thousand definitions takes some megabytes, and part of a second to make. */
const schemasKept = 16;
const extended = new LastUsed<string, SessionSchema>(schemasKept);

/** With what the project of the session has locked. */
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
    // It was looked at when it was locked: to do so again takes longer than all the rest.
    schema: extendSchema(schema, parse(catalogTypes(told), { noLocation: true }), { assumeValidSDL: true }),
    queryRoot: { ...queryRoot, ...Object.fromEntries(fields) },
    name: digest,
  };
}

/** An alias that was free when it was locked may be a name of the schema by now. */
function isFree(schema: GraphQLSchema, alias: string): boolean {
  const field = schema.getQueryType()?.getFields()[methodName(alias)];
  return field === undefined && schema.getType(catalogTypeName(alias)) === undefined;
}
