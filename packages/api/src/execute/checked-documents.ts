import { hash } from 'node:crypto';
import { asCachelaneError, type CachelaneError } from '@cachelane/core';
import {
  GraphQLError,
  Kind,
  parse,
  validate,
  type DocumentNode,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type OperationTypeNode,
} from 'graphql';
import { answerError, type AnswerError } from './answer-error.ts';
import { LastUsed } from '../request/last-used.ts';
import { requireShallow } from './nesting.ts';
import { queryLimits } from './query-limits.ts';

/** Documents that are kept parsed and checked: programs send the same few again and again. Parsed, one takes up to a hundred times its length. */
const documentsKept = 500;
const keptLength = 4096;

/** Documents of which it is known whether they fit: to find that out may take a hundred times as long as to read them. */
const verdictsKept = 2000;

/** A document quotes itself in what is wrong with it. */
const messageLength = 500;

/** Operations of a document of which it is remembered what they are to be: one has a few. */
const operationsKept = 32;

/** A document that does not fit the schema, with all that is wrong. */
export class RefusedDocument extends Error {
  readonly errors: readonly AnswerError[];
  /** Its operations, as far as it could be read: it may fit another schema. */
  readonly operations: readonly OperationFacts[];
  constructor(errors: readonly AnswerError[], document?: DocumentNode) {
    super('the document does not fit the schema');
    this.errors = errors;
    const all = document === undefined ? [] : operationsIn(document);
    this.operations = all.slice(0, operationsKept).map(({ name, operation }) => ({ name, operation }));
  }
}

/** What one operation of a document is called, and is to be. */
export interface OperationFacts {
  readonly name: string | null;
  readonly operation: OperationTypeNode;
}

/** With what they are made of. */
export function operationsIn(
  document: DocumentNode,
): readonly (OperationFacts & { readonly node: OperationDefinitionNode })[] {
  return document.definitions.flatMap((node) =>
    node.kind === Kind.OPERATION_DEFINITION
      ? [{ name: node.name?.value ?? null, operation: node.operation, node }]
      : [],
  );
}

/** What a document was found to be: it fits, or why not. */
type Verdict = 'fits' | RefusedDocument | CachelaneError;

/** Documents that fit the schema, each looked at once. */
export class CheckedDocuments {
  private readonly parsed = new LastUsed<string, DocumentNode>(documentsKept);
  private readonly verdicts = new LastUsed<string, Verdict>(verdictsKept);

  /** `schemaName` tells the schema from others that documents are checked by. Throws `RefusedDocument`. Errors: E_LIMIT. */
  of(schema: GraphQLSchema, query: string, schemaName = ''): DocumentNode {
    const key = schemaName === '' ? query : `${schemaName} ${query}`;
    const known = this.parsed.get(key);
    if (known !== undefined) return known;
    const name = hash('sha256', key);
    const verdict = this.verdicts.get(name);
    if (verdict !== undefined && verdict !== 'fits') throw verdict;
    try {
      requireShallow(query);
      const document = parse(query, { maxTokens: queryLimits.tokens });
      if (verdict === undefined) this.requireFitting(schema, document);
      this.verdicts.set(name, 'fits');
      if (query.length <= keptLength) this.parsed.set(key, document);
      return document;
    } catch (thrown) {
      const refused = this.refusalFor(thrown);
      this.verdicts.set(name, refused);
      throw refused;
    }
  }

  private requireFitting(schema: GraphQLSchema, document: DocumentNode): void {
    const errors = validate(schema, document, undefined, { maxErrors: 20 });
    if (errors.length > 0) throw this.refused(errors, document);
  }

  private refusalFor(thrown: unknown): RefusedDocument | CachelaneError {
    if (thrown instanceof RefusedDocument) return thrown;
    if (thrown instanceof GraphQLError) return this.refused([thrown]);
    return asCachelaneError(thrown);
  }

  /** What is kept holds on to nothing of the document. */
  private refused(errors: readonly GraphQLError[], document?: DocumentNode): RefusedDocument {
    const answers = errors.map((error) => {
      const answer = answerError(error);
      return { ...answer, message: shortened(answer.message) };
    });
    return new RefusedDocument(answers, document);
  }
}

function shortened(message: string): string {
  return message.length <= messageLength ? message : `${message.slice(0, messageLength)}…`;
}
