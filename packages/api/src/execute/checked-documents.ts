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

/** Number of parsed documents kept: programs repeat a few. A parsed document takes up to 100 times its length. */
const documentsKept = 500;
const keptLength = 4096;

/** Number of validation results kept: validating may take 100 times as long as parsing. */
const verdictsKept = 2000;

/** Maximum length of a kept error message: it may quote the document. */
const messageLength = 500;

/** Maximum number of operations remembered for a refused document. */
const operationsKept = 32;

/** A document that does not match the schema, with its errors. */
export class RefusedDocument extends Error {
  readonly errors: readonly AnswerError[];
  /** Its operations, if it could be parsed: it may match another schema. */
  readonly operations: readonly OperationFacts[];
  constructor(errors: readonly AnswerError[], document?: DocumentNode) {
    super('the document does not match the schema');
    this.errors = errors;
    const all = document === undefined ? [] : operationsIn(document);
    this.operations = all.slice(0, operationsKept).map(({ name, operation }) => ({ name, operation }));
  }
}

/** The name and kind of one operation in a document. */
export interface OperationFacts {
  readonly name: string | null;
  readonly operation: OperationTypeNode;
}

/** Returns the operations of a document with their nodes. */
export function operationsIn(
  document: DocumentNode,
): readonly (OperationFacts & { readonly node: OperationDefinitionNode })[] {
  return document.definitions.flatMap((node) =>
    node.kind === Kind.OPERATION_DEFINITION
      ? [{ name: node.name?.value ?? null, operation: node.operation, node }]
      : [],
  );
}

/** The result of checking a document. */
type Verdict = 'fits' | RefusedDocument | CachelaneError;

/** Parses and validates documents, each only once. */
export class CheckedDocuments {
  private readonly parsed = new LastUsed<string, DocumentNode>(documentsKept);
  private readonly verdicts = new LastUsed<string, Verdict>(verdictsKept);

  /**
   * Returns the parsed document. `schemaName` distinguishes schemas in the cache. Throws `RefusedDocument`; errors:
   * E_LIMIT.
   */
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

  /** Builds a refusal that keeps no reference to the document. */
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
