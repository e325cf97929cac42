import { done } from '../connection/answer.ts';
import type { CallOptions, ChangeOptions } from './call-options.ts';
import type { Connection } from '../connection/connection.ts';
import { CachelaneError } from '../errors/errors.ts';
import { context, grant, namespaceGrants, withdrawGrant } from '../generated/operations.ts';
import type { Grant } from '../generated/results.ts';
import type { GrantOptions, Grants } from './grant-options.ts';
import type { Scoping } from './scoping.ts';

/** Whose they are (null: the project's own), and which volume; null: all. */
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

/** Null: there is none. Errors: as {@link giveGrant}. */
export async function takeGrantBack(
  connection: Connection,
  place: GrantPlace & { readonly to: string },
  { dryRun = false, signal }: ChangeOptions,
): Promise<Grant | null> {
  const asked = await connection.ask(withdrawGrant, { ...place, all: place.key === null, dryRun }, signal);
  return done(asked.withdrawGrant)[0] ?? null;
}

/** Of a namespace that is not there none. */
export async function grantsOf(connection: Connection, named: string | null, { signal }: CallOptions): Promise<Grants> {
  const path = named ?? (await connection.ask(context, {}, signal)).context.namespace;
  const { namespace } = await connection.ask(namespaceGrants, { path }, signal);
  return { given: namespace?.grants ?? [], received: namespace?.granted ?? [] };
}

/** The namespace that is meant where a call names none; null: that of the project. Errors: E_USAGE for a scope. */
export function ownerIn({ namespace, scope }: Scoping, named: string | undefined): string | null {
  if (named !== undefined || scope.length === 0) return named ?? namespace;
  throw new CachelaneError('E_USAGE', 'grants are of a namespace, and this engine was taken to a scope in one', {
    hint: 'give namespace, or share its volumes one by one: volume.grant(TO)',
  });
}
