import {
  Kind,
  print,
  stripIgnoredCharacters,
  visit,
  type ASTNode,
  type FragmentDefinitionNode,
  type OperationDefinitionNode,
} from 'graphql';

/** Returns the operation with its fragments, without unneeded white space. */
export function operationText(
  operation: OperationDefinitionNode,
  fragments: readonly FragmentDefinitionNode[],
): string {
  const needed = new Set<string>();
  const look = (node: ASTNode): void => {
    visit(node, {
      FragmentSpread: ({ name }) => {
        const fragment = fragments.find((each) => each.name.value === name.value);
        if (fragment === undefined || needed.has(name.value)) return;
        needed.add(name.value);
        look(fragment);
      },
    });
  };
  look(operation);
  const definitions = [operation, ...fragments.filter(({ name }) => needed.has(name.value))];
  return stripIgnoredCharacters(print({ kind: Kind.DOCUMENT, definitions }));
}
