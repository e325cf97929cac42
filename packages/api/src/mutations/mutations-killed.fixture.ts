import { expect } from 'vitest';
import type { TestWorld } from '../execute/test-world.fixture.ts';

type Values = Readonly<Record<string, unknown>>;

/** A mutation as its client sends it. */
export interface Asking {
  readonly query: string;
  readonly variables: Values;
  readonly session: string | null;
}

export interface MutationCase {
  /** Prepares the store with engines that survive. */
  readonly prepare: (on: TestWorld) => Promise<void>;
  /** Prepares what the mutation needs in the engine that dies. */
  readonly begin: (on: TestWorld) => Promise<Asking>;
  /** Options of every engine, also the next one. */
  readonly equip?: (on: TestWorld) => void;
  /** The next engine's answer after the first one died, given the first one's answer. */
  readonly answer: (met: Met) => unknown;
  /** The same engine's answer to a repetition; default: the first answer. */
  readonly again?: unknown;
  /** Other valid answers of the second of two concurrent requests. */
  readonly meanwhile?: unknown;
  /** Whether it may be done partly. */
  readonly inParts?: true;
}

interface Met {
  /** The answer of an undisturbed first attempt. */
  readonly first: unknown;
  /** The parts that the first attempt changed. */
  readonly done: readonly string[];
  readonly changed: readonly string[];
  readonly got: unknown;
}

const published = (isNew: boolean): object => {
  const changes = isNew ? [{ name: 'npm', kind: 'ADDED' }] : [];
  return { data: { publishCatalog: { version: 1, isNew, changes } } };
};

const removedCatalog = (wasThere: boolean): object => ({ data: { removeCatalog: { version: 1, wasThere } } });

const publishNpm =
  'publishCatalog(content: { definitions: [{ name: "npm" }] }) { version isNew changes { name kind } }';

const keys = ['npm', 'data', 'other'] as const;

const created = (isNew: boolean): object => ({ data: { createNamespace: { namespace: 'teams/site', isNew } } });

/** Leaves out the time, which differs between engines. */
const granted = 'namespace key to access trust by';
const fed = 'namespace from key lanes by';

const listing = 'lane generation entries { nodes { path digest } }';

/** All visible state of a store, in parts that a mutation changes as a whole. */
export async function stateOf(on: TestWorld): Promise<Readonly<Record<string, unknown>>> {
  const volumes = keys.map((key) => `${key}: cacheVolume(key: "${key}") { heads { ${listing} } }`).join(' ');
  const names = 'namespaces { nodes { path aliases } } policies { key value source }';
  const shared = `shared: namespace(path: "github.com/acme/web") { grants { ${granted} } feeds { ${fed} } }`;
  const offers = 'catalogs { nodes { namespace versions { version digest publishedBy } } }';
  const data = await on.data(`{ ${volumes} ${names} ${shared} ${offers} }`);
  const { namespaces, policies, shared: sharing, catalogs, ...heads } = data;
  return { ...heads, names: namespaces, policies, sharing, catalogs };
}

export async function idOf(on: TestWorld, key: string, namespace: string | null = null): Promise<string> {
  const query = 'query ($key: String!, $namespace: String) { cacheVolume(key: $key, namespace: $namespace) { id } }';
  const { cacheVolume } = await on.data(query, { variables: { key, namespace } });
  return (cacheVolume as { readonly id: string }).id;
}

export const attachQuery =
  'mutation ($volumes: [AttachInput!]!, $key: String) { attach(volumes: $volumes, key: $key, lockTimeoutSeconds: 0) { id run volumes { key directory } } }';

export interface ForkFacts {
  readonly id: string;
  readonly run: string;
  readonly volumes: readonly { readonly key: string; readonly directory: string }[];
}

/** A fork with one more file in each volume. */
export async function forkOf(on: TestWorld, ids: readonly string[], file: string | null): Promise<ForkFacts> {
  const volumes = ids.map((volume) => ({ volume }));
  const { attach } = (await on.data(attachQuery, { variables: { volumes } })) as unknown as { attach: ForkFacts };
  if (file !== null) for (const { directory } of attach.volumes) on.directory(directory).write(file, file);
  return attach;
}

const nothing = async (): Promise<void> => await Promise.resolve();
const asFirst = ({ first }: Met): unknown => first;

async function twoSaves(on: TestWorld): Promise<void> {
  await on.save('/web', 'npm', { a: '1' });
  await on.save('/web', 'npm', { b: '1' });
}

const onNpm =
  (query: string, more: Values = {}) =>
  async (on: TestWorld): Promise<Asking> => ({
    query,
    variables: { volume: await idOf(on, 'npm'), ...more },
    session: null,
  });

const plain = (query: string) => async (): Promise<Asking> =>
  await Promise.resolve({ query, variables: {}, session: null });

const anyVolume = { key: 'npm', directory: expect.any(String) };

const refused = (code: string): unknown => [expect.objectContaining({ extensions: expect.objectContaining({ code }) })];

const saved = 'key added changed removed savedBytes layer merged conflicts { path } skipped';

/** By the field of `Mutation`; further cases have a suffix. */
export const mutationCases: Readonly<Record<string, MutationCase>> = {
  openSession: {
    prepare: nothing,
    begin: plain('mutation { openSession(directory: "/api") { isConfined context { namespace } } }'),
    answer: asFirst,
  },
  closeSession: {
    prepare: nothing,
    begin: async (on) => {
      const { openSession } = await on.data('mutation { openSession(directory: "/api") { token } }');
      const { token: session } = openSession as { readonly token: string };
      return { query: 'mutation { closeSession }', variables: {}, session };
    },
    answer: () => ({ errors: refused('E_SESSION_GONE') }),
    again: { errors: refused('E_SESSION_GONE') },
    meanwhile: { data: { closeSession: false } },
  },
  attach: {
    prepare: twoSaves,
    begin: async (on) => {
      const variables = { volumes: [{ volume: await idOf(on, 'npm'), sharing: 'LOCKED' }], key: 'mine' };
      return { query: attachQuery, variables, session: null };
    },
    // A new fork: the first one and its lock ended with its engine.
    answer: () => ({ data: { attach: { id: expect.any(String), run: expect.any(String), volumes: [anyVolume] } } }),
  },
  commit: {
    prepare: twoSaves,
    begin: async (on) => {
      const fork = await forkOf(on, [await idOf(on, 'npm'), await idOf(on, 'data'), await idOf(on, 'other')], 'mine');
      return {
        query: `mutation ($fork: ID!) { commit(fork: $fork) { ${saved} } }`,
        variables: { fork: fork.id },
        session: null,
      };
    },
    answer: ({ first, done, changed }) => {
      if (done.length === changed.length) return first;
      const [of, rest] = [keys.filter((key) => done.includes(key)), keys.filter((key) => !done.includes(key))];
      const what = of.length === 0 ? 'nothing of the fork was saved' : `of the fork ${of.join(', ')} was saved`;
      const message = `the fork has ended, and ${what}; not saved, or unchanged: ${rest.join(', ')}`;
      return {
        data: { commit: null },
        errors: [expect.objectContaining({ message, extensions: expect.objectContaining({ code: 'E_NOT_SAVED' }) })],
      };
    },
    inParts: true,
  },
  'commit of a volume that others changed': {
    prepare: twoSaves,
    begin: async (on) => {
      const fork = await forkOf(on, [await idOf(on, 'npm')], 'mine');
      const other = await forkOf(on, [await idOf(on, 'npm')], 'mine');
      on.directory(other.volumes[0]?.directory ?? '').write('mine', 'of another one');
      await on.data('mutation ($fork: ID!) { commit(fork: $fork) { key } }', { variables: { fork: other.id } });
      return {
        query: `mutation ($fork: ID!) { commit(fork: $fork) { ${saved} } }`,
        variables: { fork: fork.id },
        session: null,
      };
    },
    answer: ({ first, done, got }) =>
      done.length === 1 ? first : { ...(got as object), errors: refused('E_NOT_SAVED') },
  },
  discard: {
    prepare: twoSaves,
    begin: async (on) => {
      const fork = await forkOf(on, [await idOf(on, 'npm')], 'mine');
      return { query: 'mutation ($fork: ID!) { discard(fork: $fork) }', variables: { fork: fork.id }, session: null };
    },
    answer: () => ({ data: { discard: false } }),
    again: { data: { discard: false } },
  },
  rollback: {
    prepare: twoSaves,
    begin: onNpm(
      'mutation ($volume: ID!, $key: String) { rollback(volume: $volume, key: $key) { lane from to generation keptOnTop } }',
      { key: 'deploy-7' },
    ),
    answer: asFirst,
  },
  remove: {
    prepare: async (on) => {
      await twoSaves(on);
      const { openSession } = await on.data(
        'mutation { openSession(environment: [{ name: "TEST_LANE", value: "t1:pr:12" }]) { token } }',
      );
      const { token: session } = openSession as { readonly token: string };
      const variables = { volumes: [{ volume: await idOf(on, 'npm') }] };
      const { attach } = (await on.data(attachQuery, { variables, session })) as unknown as { attach: ForkFacts };
      on.directory(attach.volumes[0]?.directory ?? '').write('c', '1');
      await on.data('mutation ($fork: ID!) { commit(fork: $fork) { key } }', {
        variables: { fork: attach.id },
        session,
      });
    },
    begin: onNpm('mutation ($volume: ID!) { remove(volume: $volume, allLanes: true) { lane generation layers } }'),
    // The head is gone, and no record shows which request removed it.
    answer: ({ first, done }) => (done.length === 0 ? first : { data: { remove: [] } }),
    again: { data: { remove: [] } },
  },
  prune: {
    prepare: twoSaves,
    equip: (on) => {
      on.onCommand((volume) => {
        if (volume.exists('a')) volume.remove('a');
      });
    },
    begin: onNpm(
      `mutation ($volume: ID!, $key: String) { prune(volume: $volume, key: $key) { command saved { ${saved} } } }`,
      { key: 'nightly' },
    ),
    answer: asFirst,
  },
  setPolicy: {
    prepare: twoSaves,
    begin: plain('mutation { setPolicy(key: "keep-branch", value: "72h") { key value source } }'),
    answer: asFirst,
  },
  createNamespace: {
    prepare: twoSaves,
    begin: plain('mutation { createNamespace(path: "teams/site") { namespace isNew } }'),
    // The namespace exists, as requested; the answer shows its real creator.
    answer: ({ done }) => created(done.length === 0),
    again: created(false),
    meanwhile: created(false),
  },
  renameNamespace: {
    prepare: twoSaves,
    begin: plain('mutation { renameNamespace(from: "github.com/acme/web", to: "teams/site") { namespace volumes } }'),
    answer: asFirst,
  },
  adopt: {
    prepare: async (on) => {
      const fork = await forkOf(on, [await idOf(on, 'npm', 'local/web-0123456789abcdef')], 'early');
      await on.data('mutation ($fork: ID!) { commit(fork: $fork) { key } }', { variables: { fork: fork.id } });
    },
    begin: plain('mutation { adopt { namespace volumes } }'),
    answer: asFirst,
  },
  publishCatalog: {
    prepare: twoSaves,
    begin: plain(`mutation { ${publishNpm} }`),
    // The catalog is published, as requested; the answer shows its real publisher.
    answer: ({ done }) => published(done.length === 0),
    again: published(false),
    meanwhile: published(false),
  },
  removeCatalog: {
    prepare: async (on) => {
      await twoSaves(on);
      await on.data(`mutation { ${publishNpm} }`);
    },
    begin: plain('mutation { removeCatalog(version: 1) { version wasThere } }'),
    answer: ({ done }) => removedCatalog(done.length === 0),
    again: removedCatalog(false),
    meanwhile: removedCatalog(false),
  },
  grant: {
    prepare: twoSaves,
    begin: plain(`mutation { grant(key: "npm", to: "teams/site", access: WRITE) { ${granted} } }`),
    answer: asFirst,
  },
  'grant that replaces another one': {
    prepare: async (on) => {
      await twoSaves(on);
      await on.data('mutation { grant(all: true, to: "teams/**") { by } }');
    },
    begin: plain(`mutation { grant(all: true, to: "teams/**", access: WRITE) { ${granted} } }`),
    answer: asFirst,
  },
  withdrawGrant: {
    prepare: async (on) => {
      await twoSaves(on);
      await on.data('mutation { grant(key: "npm", to: "teams/site") { by } }');
    },
    begin: plain(`mutation { withdrawGrant(key: "npm", to: "teams/site") { ${granted} } }`),
    answer: ({ first, done }) => (done.length === 0 ? first : { data: { withdrawGrant: [] } }),
    again: { data: { withdrawGrant: [] } },
  },
  addFeed: {
    prepare: twoSaves,
    begin: plain(`mutation { addFeed(from: "github.com/acme/web/**", lanes: "t1:ref:main") { ${fed} } }`),
    answer: asFirst,
  },
  removeFeed: {
    prepare: async (on) => {
      await twoSaves(on);
      await on.data('mutation { addFeed(from: "teams/site", key: "npm") { by } }');
    },
    begin: plain(`mutation { removeFeed(from: "teams/site", key: "npm") { ${fed} } }`),
    answer: ({ first, done }) => (done.length === 0 ? first : { data: { removeFeed: [] } }),
    again: { data: { removeFeed: [] } },
  },
};
