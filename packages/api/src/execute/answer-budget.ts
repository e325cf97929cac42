import { CachelaneError } from '@cachelane/core';
import { defaultFieldResolver, type GraphQLFieldResolver } from 'graphql';
import { queryLimits } from './query-limits.ts';

export interface AnswerBudget {
  readonly fieldResolver: GraphQLFieldResolver<unknown, unknown>;
  /** Aborts with the error when the answer exceeds its limit. */
  readonly signal: AbortSignal;
}

/**
 * Returns a budget that counts fields and list items while an answer is made, since real lists may be longer than
 * assumed.
 */
export function answerBudget(): AnswerBudget {
  const controller = new AbortController();
  let left: number = queryLimits.fields;
  const spend = (count: number): void => {
    left -= count;
    if (left >= 0) return;
    if (!controller.signal.aborted) controller.abort(tooMuch());
    throw controller.signal.reason;
  };
  const counted = (value: unknown): unknown => {
    if (Array.isArray(value)) spend(value.length);
    return value;
  };
  return {
    signal: controller.signal,
    fieldResolver: (source, args, context, info): unknown => {
      spend(1);
      const value: unknown = defaultFieldResolver(source, args, context, info);
      return value instanceof Promise ? value.then(counted) : counted(value);
    },
  };
}

function tooMuch(): CachelaneError {
  return new CachelaneError('E_LIMIT', `the answer has more than ${queryLimits.fields} fields`, {
    hint: 'ask for smaller pages with first, or for fewer fields',
  });
}
