import { asCachelaneError } from '@cachelane/core';
import { GraphQLError } from 'graphql';

export interface AnswerError {
  readonly message: string;
  readonly locations?: readonly { readonly line: number; readonly column: number }[];
  readonly path?: readonly (string | number)[];
  readonly extensions: { readonly code: string; readonly hint?: string; readonly retryable: boolean };
}

/** Turns any error into the form that answers have. */
export function answerError(thrown: unknown): AnswerError {
  if (!(thrown instanceof GraphQLError)) {
    const { code, message, hint, retryable } = asCachelaneError(thrown);
    return { message, extensions: { code, ...(hint === undefined ? {} : { hint }), retryable } };
  }
  const { originalError, locations, path } = thrown;
  // An error without an original one comes from graphql-js: the document or a variable does not fit the schema.
  const said =
    originalError === undefined || originalError === null
      ? { message: thrown.message, extensions: { code: 'E_USAGE', retryable: false } }
      : answerError(originalError);
  return { ...said, ...(locations === undefined ? {} : { locations }), ...(path === undefined ? {} : { path }) };
}
