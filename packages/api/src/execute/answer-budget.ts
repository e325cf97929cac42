import { CachelaneError } from '@cachelane/core';
import { defaultFieldResolver, type GraphQLFieldResolver } from 'graphql';
import { queryLimits } from './query-limits.ts';

export interface AnswerBudget {
  readonly fieldResolver: GraphQLFieldResolver<unknown, unknown>;
  /** Aborted, with the error, when the answer has come to more than it may. */
  readonly signal: AbortSignal;
}

/** Counts fields, and the items of lists, while an answer is made: lists are as long as they are, whatever was assumed of them before. */
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
  return new CachelaneError('E_LIMIT', `the answer comes to more than ${queryLimits.fields} fields`, {
    hint: 'ask for smaller pages with first, or for fewer fields',
  });
}
