import { openClient, type EngineClient } from './engine-client.ts';
import { residentBytes, startEngine } from './engine-process.ts';

// Measures listing a large volume: `engine-entries LAUNCHER VOLUME ROUNDS`, with the engine's directory and environment.

/** A sample for each round. */
export interface EntriesCosts {
  readonly entries: number;
  /** Time from the first request to the last answer of a new engine. */
  readonly perSecond: readonly number[];
  readonly againPerSecond: readonly number[];
  readonly wholePerSecond: readonly number[];
  readonly endBytes: readonly number[];
}

interface Answer {
  readonly data: {
    readonly cacheVolume: {
      readonly head: {
        readonly entries: {
          readonly nodes: readonly unknown[];
          readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string };
        };
      };
    };
  };
}

const [launcher = '', key = '', rounds = ''] = process.argv.slice(2);
const few = 'path sizeBytes digest';
const all = `${few} type mode modifiedAt mergeClass removed origins`;

async function listEverything(client: EngineClient, fields: string, first: number): Promise<number> {
  const query = `query ($key: String!, $first: Int!, $after: String) {
    cacheVolume(key: $key) { head { entries(first: $first, after: $after) { nodes { ${fields} } pageInfo { hasNextPage endCursor } } } }
  }`;
  let listed = 0;
  for (let after: string | null = null, more = true; more;) {
    const answer = JSON.parse(await client.ask({ query, variables: { key, first, after } })) as Answer;
    const { nodes, pageInfo } = answer.data.cacheVolume.head.entries;
    listed += nodes.length;
    ({ hasNextPage: more, endCursor: after } = pageInfo);
  }
  return listed;
}

async function measure(): Promise<EntriesCosts> {
  const costs = { perSecond: [] as number[], againPerSecond: [] as number[], wholePerSecond: [] as number[] };
  const endBytes: number[] = [];
  let entries = 0;
  for (let round = 0; round < Number(rounds); round += 1) {
    await using engine = await startEngine(launcher);
    using client = await openClient(engine);
    const rateOf = async (fields: string): Promise<number> => {
      const started = performance.now();
      entries = await listEverything(client, fields, 10_000);
      return (entries * 1000) / (performance.now() - started);
    };
    costs.perSecond.push(await rateOf(few));
    costs.againPerSecond.push(await rateOf(few));
    costs.wholePerSecond.push(await rateOf(all));
    endBytes.push(residentBytes(engine));
  }
  return { entries, ...costs, endBytes };
}

void measure().then((costs) => process.stdout.write(`${JSON.stringify(costs)}\n`));
