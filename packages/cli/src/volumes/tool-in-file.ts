import { configFileName, type Namespace, type Tool, type VolumeName } from '@cachelane/core';

interface Renamed {
  readonly namespace: Namespace;
  readonly name: VolumeName;
  readonly tool: Tool['name'];
}

/** Returns the line of the project's file that gives runs a volume of a tool under another name. `project`: the caller's namespace. */
export function toolInFile({ namespace, name, tool }: Renamed, project: Namespace): string {
  const file = namespace === project ? configFileName : `the ${configFileName} of ${namespace}`;
  return `to use it, write in ${file}: volumes: { ${name}: { tool: ${tool} } }`;
}
