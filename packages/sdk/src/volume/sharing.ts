import { done } from '../connection/answer.ts';
import type { CallOptions, ChangeOptions } from './call-options.ts';
import type { Connection } from '../connection/connection.ts';
import { CachelaneError } from '../errors/errors.ts';
import { context, grant, namespaceGrants, withdrawGrant } from '../generated/operations.ts';
import type { Grant } from '../generated/results.ts';
import type { GrantOptions, Grants } from './grant-options.ts';
import type { Scoping } from './scoping.ts';

/** The owner (null: the project) and the volume; null: all. */
export interface GrantPlace {
  readonly namespace: string | null;
  readonly key: string | null;
}

/** Errors: E_USAGE, E_NAMESPACE. */
export async function giveGrant(
  connection: Connection,
  place: GrantPlace & { readonly to: string },
  { access = 'READ', trust, dryRun = false, signal }: GrantOptions,
): Promise<Grant> {
  const variables = { ...place, all: place.key === null, access, trust, dryRun };
  return done((await connection.ask(grant, variables, signal)).grant);
}

/** Returns null if there is none. Errors: as {@link giveGrant}. */
export async function takeGrantBack(
  connection: Connection,
  place: GrantPlace & { readonly to: string },
  { dryRun = false, signal }: ChangeOptions,
): Promise<Grant | null> {
  const asked = await connection.ask(withdrawGrant, { ...place, all: place.key === null, dryRun }, signal);
  return done(asked.withdrawGrant)[0] ?? null;
}

/** Returns no grants for a namespace that does not exist. */
export async function grantsOf(connection: Connection, named: string | null, { signal }: CallOptions): Promise<Grants> {
  const path = named ?? (await connection.ask(context, {}, signal)).context.namespace;
  const { namespace } = await connection.ask(namespaceGrants, { path }, signal);
  return { given: namespace?.grants ?? [], received: namespace?.granted ?? [] };
}

/** Returns the namespace that a call refers to; null: the project's. Errors: E_USAGE in a scope. */
export function ownerIn({ namespace, scope }: Scoping, named: string | undefined): string | null {
  if (named !== undefined || scope.length === 0) return named ?? namespace;
  throw new CachelaneError('E_USAGE', 'grants belong to a namespace, but this engine uses a scope below one', {
    hint: 'pass namespace, or grant its volumes one by one: volume.grant(TO)',
  });
}
