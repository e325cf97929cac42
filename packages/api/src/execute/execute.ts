import { CachelaneError } from '@cachelane/core';
import {
  AbortedGraphQLExecutionError,
  execute,
  OperationTypeNode,
  subscribe,
  type DocumentNode,
  type ExecutionResult,
} from 'graphql';
import { answerBudget } from './answer-budget.ts';
import { answerError, type AnswerError } from './answer-error.ts';
import { CheckedDocuments, operationsIn, RefusedDocument, type OperationFacts } from './checked-documents.ts';
import { requireAffordable } from './query-cost.ts';
import type { ApiRequest } from '../request/request.ts';
import { mutationRoot } from '../mutations/mutation-root.ts';
import { fixedSchema, schemaFor, type SessionSchema } from '../schema/session-schema.ts';
import { subscriptionRoot } from '../subscriptions/subscription-root.ts';

/** One GraphQL request. */
export interface Operation {
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
  /** Which of several operations; null: the only one. */
  readonly operationName: string | null;
}

/** A response as in the GraphQL specification. */
export interface Answer {
  readonly data?: unknown;
  readonly errors?: readonly AnswerError[];
}

const documents = new CheckedDocuments();

/** Executes a query or mutation. Never throws: the answer contains the error with its code. */
export async function executeOperation(operation: Operation, request: ApiRequest): Promise<Answer> {
  try {
    const { args, kind } = prepare(operation, request);
    if (kind !== OperationTypeNode.SUBSCRIPTION) return answerOf(await execute(args));
    throw new CachelaneError('E_USAGE', 'a subscription needs a streaming request', {
      hint: 'set the header accept to text/event-stream, or use engine.events() of the SDK; cachelane query prints one answer only',
    });
  } catch (thrown) {
    return refusal(thrown);
  }
}

/** Yields the answers of a subscription. Never throws: a refused one yields a single answer. */
export async function* executeStream(operation: Operation, request: ApiRequest): AsyncGenerator<Answer> {
  try {
    const result = await subscribe(prepare(operation, request).args);
    if (!(Symbol.asyncIterator in result)) yield answerOf(result);
    else for await (const each of result) yield answerOf(each);
  } catch (thrown) {
    yield refusal(thrown);
  }
}

/** Returns the kind of the operation, or null if it cannot be parsed. Does not check it against a session's schema. */
export function kindOf({ query, operationName }: Operation): OperationTypeNode | null {
  try {
    return chosen(operationsOf(query), operationName).operation;
  } catch {
    return null;
  }
}

function operationsOf(query: string): readonly OperationFacts[] {
  try {
    return operationsIn(documents.of(fixedSchema().schema, query));
  } catch (thrown) {
    if (thrown instanceof RefusedDocument) return thrown.operations;
    throw thrown;
  }
}

/** Returns the checked document. Most documents use no catalog, so they are checked once for all sessions. */
function documentFor({ schema, name }: SessionSchema, query: string): DocumentNode {
  try {
    return documents.of(fixedSchema().schema, query);
  } catch (thrown) {
    if (name === '' || !(thrown instanceof RefusedDocument)) throw thrown;
    return documents.of(schema, query, name);
  }
}

function prepare(
  { query, variables, operationName }: Operation,
  request: ApiRequest,
): { readonly args: Parameters<typeof execute>[0]; readonly kind: OperationTypeNode } {
  const session = schemaFor(request.caller.project.lock);
  const { schema } = session;
  const document = documentFor(session, query);
  const operation = chosen(operationsIn(document), operationName).node;
  requireAffordable({ schema, document, operation, variables });
  const kind = operation.operation;
  const budget = answerBudget();
  return {
    args: {
      schema,
      document,
      rootValue: rootOf(kind, session),
      contextValue: request,
      variableValues: variables,
      operationName,
      // A mutation runs to its end. It gets the request's signal from its context.
      ...(kind === OperationTypeNode.QUERY
        ? { abortSignal: AbortSignal.any([request.signal, budget.signal]), fieldResolver: budget.fieldResolver }
        : {}),
    },
    kind,
  };
}

function answerOf({ data, errors }: ExecutionResult): Answer {
  return { data, ...(errors === undefined ? {} : { errors: errors.map(answerError) }) };
}

export function refusal(thrown: unknown): Answer {
  if (thrown instanceof AbortedGraphQLExecutionError) return refusal(thrown.cause);
  return { errors: thrown instanceof RefusedDocument ? thrown.errors : [answerError(thrown)] };
}

function rootOf(kind: OperationTypeNode, session: SessionSchema): object {
  switch (kind) {
    case OperationTypeNode.QUERY:
      return session.queryRoot;
    case OperationTypeNode.MUTATION:
      return mutationRoot;
    case OperationTypeNode.SUBSCRIPTION:
      return subscriptionRoot;
  }
}

function chosen<T extends OperationFacts>(all: readonly T[], name: string | null): T {
  const named = name === null ? all : all.filter((each) => each.name === name);
  const [only] = named;
  if (only !== undefined && named.length === 1) return only;
  const why =
    name === null ? `the document has ${all.length} operations` : 'the document has no operation with this name';
  throw new CachelaneError('E_USAGE', why, { hint: 'name one of its operations with operationName' });
}
