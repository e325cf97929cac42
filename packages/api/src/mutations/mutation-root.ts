import type { ApiRequest } from '../request/request.ts';
import { publish, removeVersion, type PublishArguments, type RemoveCatalogArguments } from './catalogs.ts';
import { closeClientSession, openClientSession, type OpenSessionArguments } from './client-session.ts';
import { attach, commit, discard, type AttachArguments, type CommitArguments, type ForkArguments } from './forks.ts';
import { prune, remove, rollback, type PruneArguments, type RemoveArguments, type RollbackArguments } from './heads.ts';
import {
  adopt,
  create,
  rename,
  setPolicy,
  type AdoptArguments,
  type CreateNamespaceArguments,
  type RenameArguments,
  type SetPolicyArguments,
} from './namespaces.ts';
import {
  feed,
  grant,
  unfeed,
  withdraw,
  type FeedArguments,
  type GrantArguments,
  type GrantedArguments,
} from './sharing.ts';

/** Resolvers for the fields of `Mutation`. */
export const mutationRoot = {
  openSession: async (args: OpenSessionArguments, request: ApiRequest): Promise<object> =>
    await openClientSession(request, args),
  closeSession: async (_: unknown, request: ApiRequest): Promise<boolean> => await closeClientSession(request),
  attach: async (args: AttachArguments, request: ApiRequest): Promise<object> => await attach(request, args),
  commit: async (args: CommitArguments, request: ApiRequest): Promise<readonly object[]> => await commit(request, args),
  discard: async (args: ForkArguments, request: ApiRequest): Promise<boolean> => await discard(request, args),
  rollback: async (args: RollbackArguments, request: ApiRequest): Promise<object> => await rollback(request, args),
  remove: async (args: RemoveArguments, request: ApiRequest): Promise<readonly object[]> => await remove(request, args),
  prune: async (args: PruneArguments, request: ApiRequest): Promise<object> => await prune(request, args),
  setPolicy: async (args: SetPolicyArguments, request: ApiRequest): Promise<readonly object[]> =>
    await setPolicy(request, args),
  createNamespace: async (args: CreateNamespaceArguments, request: ApiRequest): Promise<object> =>
    await create(request, args),
  renameNamespace: async (args: RenameArguments, request: ApiRequest): Promise<object> => await rename(request, args),
  adopt: async (args: AdoptArguments, request: ApiRequest): Promise<object> => await adopt(request, args),
  publishCatalog: async (args: PublishArguments, request: ApiRequest): Promise<object> => await publish(request, args),
  removeCatalog: async (args: RemoveCatalogArguments, request: ApiRequest): Promise<object> =>
    await removeVersion(request, args),
  grant: async (args: GrantArguments, request: ApiRequest): Promise<object> => await grant(request, args),
  withdrawGrant: async (args: GrantedArguments, request: ApiRequest): Promise<readonly object[]> =>
    await withdraw(request, args),
  addFeed: async (args: FeedArguments, request: ApiRequest): Promise<object> => await feed(request, args),
  removeFeed: async (args: FeedArguments, request: ApiRequest): Promise<readonly object[]> =>
    await unfeed(request, args),
} as const;
