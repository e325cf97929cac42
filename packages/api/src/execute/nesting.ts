import { CachelaneError } from '@cachelane/core';
import { Lexer, Source, TokenKind } from 'graphql';
import { queryLimits } from './query-limits.ts';

const opening: ReadonlySet<TokenKind> = new Set([TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L]);
const closing: ReadonlySet<TokenKind> = new Set([TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R]);

/**
 * Refuses what is nested without end before anything that goes into itself as the document does has read it: how far that can go depends on the stack of the moment. Errors: E_LIMIT; a GraphQLError for what is no document.
 */
export function requireShallow(query: string): void {
  const lexer = new Lexer(new Source(query));
  let depth = 0;
  for (let words = 0; words <= queryLimits.tokens; words++) {
    const { kind } = lexer.advance();
    if (kind === TokenKind.EOF) return;
    if (opening.has(kind)) depth += 1;
    if (closing.has(kind)) depth -= 1;
    if (depth > queryLimits.nesting) {
      throw new CachelaneError('E_LIMIT', `the document is nested deeper than ${queryLimits.nesting} brackets`);
    }
  }
}
