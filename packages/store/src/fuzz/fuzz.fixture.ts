import { asCachelaneError, isCachelaneError } from '@cachelane/core';
import fc from 'fast-check';
import { Violation, type FuzzTarget } from './fuzz-target.fixture.ts';
import { minimised } from './minimise.fixture.ts';
import { arbitraryRecipe, cook } from './mutations.fixture.ts';

export interface FuzzOptions {
  readonly seed: number;
  /** Maximum number of inputs. */
  readonly runs: number;
  readonly seconds: number;
  /** Time for minimising a failing input. Default: 20. */
  readonly minimiseSeconds?: number;
  /** Called with each input before it is read. */
  readonly onInput?: (input: Uint8Array) => void;
}

interface FuzzFailure {
  readonly input: Uint8Array;
  readonly message: string;
}

export interface FuzzOutcome {
  readonly inputs: number;
  readonly accepted: number;
  /** Number of refusals by message, without numbers and names. */
  readonly refused: Readonly<Record<string, number>>;
  readonly failure: FuzzFailure | null;
}

/** Maximum growth in KiB, with garbage: more than a reader of a few kilobytes needs. */
const growthKiBMax = 393_216;

/** Returns the time limit for one input. It allows for a busy machine and for large inputs. */
export function msMax(inputBytes: number): number {
  return 10_000 + inputBytes / 200;
}

/**
 * Mutates valid inputs until the time or number is reached or one fails. Minimises a failing input: first its
 * recipe, then its bytes.
 */
export async function fuzz(
  target: FuzzTarget,
  { seed, runs, seconds, minimiseSeconds = 20, onInput }: FuzzOptions,
): Promise<FuzzOutcome> {
  const refused: Record<string, number> = {};
  let [inputs, accepted] = [0, 0];
  const memory = new MemoryWatch();
  const count = async (input: Buffer): Promise<void> => {
    if (memory.isExhausted) return;
    inputs += 1;
    onInput?.(input);
    const refusal = await tried(target, input, memory);
    if (refusal === null) accepted += 1;
    else refused[refusal] = (refused[refusal] ?? 0) + 1;
  };
  const result = await fc.check(
    fc.asyncProperty(arbitraryRecipe(target), async (recipe) => await count(cook(target, recipe))),
    { seed, numRuns: runs, interruptAfterTimeLimit: seconds * 1000 },
  );
  const [recipe] = result.counterexample ?? [];
  if (!result.failed || recipe === undefined) return { inputs, accepted, refused, failure: null };
  const input = cook(target, recipe);
  const error = result.errorInstance;
  const fails = async (candidate: Buffer): Promise<boolean> => {
    onInput?.(candidate);
    const found: unknown = await tried(target, candidate, memory).then(
      () => null,
      (thrown: unknown) => thrown,
    );
    return found !== null && kindOf(found) === kindOf(error);
  };
  const smallest = memory.isExhausted ? input : await minimised(input, { fails, msMax: minimiseSeconds * 1000 });
  return { inputs, accepted, refused, failure: { input: smallest, message: describe(error) } };
}

/** Reads one input. Returns null if it is accepted, else the reason. Throws if an invariant is violated. */
export async function tried(target: FuzzTarget, input: Buffer, memory?: MemoryWatch): Promise<string | null> {
  const before = performance.now();
  // A copy: the reader may change its input.
  const own = Buffer.from(input);
  let refusal: string | null = null;
  try {
    const taken = await target.accept(own);
    await target.hold(input, taken);
  } catch (error) {
    if (!isCachelaneError(error, ...target.refusals)) {
      clearUp(target);
      throw error;
    }
    refusal = withoutDetails(`${error.code} ${error.message}`);
  }
  target.after();
  const took = performance.now() - before;
  if (took > msMax(input.length)) throw new Violation(`${input.length} bytes took ${Math.round(took)} ms`);
  memory?.check();
  return refusal;
}

/** Cleans up for the next input after a failure. */
function clearUp(target: FuzzTarget): void {
  try {
    target.after();
  } catch {
    // The first failure matters.
  }
}

/** Watches this process's peak memory. Once it is too high, later results mean nothing. */
class MemoryWatch {
  readonly #most: number = process.resourceUsage().maxRSS + growthKiBMax;
  isExhausted = false;

  check(): void {
    if (this.isExhausted || process.resourceUsage().maxRSS <= this.#most) return;
    this.isExhausted = true;
    throw new Violation(`it used more than ${growthKiBMax} KiB of memory`);
  }
}

export function describe(error: unknown): string {
  const { name, message, stack = '' } = error as Error;
  const code = isCachelaneError(error) ? ` ${asCachelaneError(error).code}` : '';
  const [at = ''] = stack.split('\n').filter((line) => /^\s+at /.test(line));
  return `${name}${code}: ${message.slice(0, 500)}${at === '' ? '' : ` (${at.trim()})`}`;
}

/** Returns a key by which similar failures are grouped. */
function kindOf(error: unknown): string {
  return error instanceof Violation ? withoutDetails(error.message) : withoutDetails(describe(error));
}

function withoutDetails(text: string): string {
  return text
    .replace(/\/[^\s:,"]*/g, 'PATH')
    .replace(/[0-9a-f]{12,}/g, 'HEX')
    .replace(/\d+/g, 'N')
    .slice(0, 90);
}
