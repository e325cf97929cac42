/** One document with one operation; the types say what goes in and comes out. */
export interface Operation<Result, Variables> {
  /** Null: the only one of the text. */
  readonly name: string | null;
  readonly text: string;
  /** Never there: it ties the types to the text. */
  readonly types?: (variables: Variables) => Result;
}
