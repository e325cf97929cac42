// Not the `yaml` package: a run would load it to look for one key, which takes 9 ms.

/**
 * Returns a plain or quoted text at the top level of a YAML file (`storeDir: ~/store`), or undefined. It ignores anchors,
 * blocks and nested keys.
 */
export function topLevelYaml(text: string, key: string): string | undefined {
  const pattern = new RegExp(
    `^(?:${RegExp.escape(key)}|"${RegExp.escape(key)}"|'${RegExp.escape(key)}')\\s*:(?:\\s+(.*))?$`,
  );
  const [value] = text.split(/\r?\n/).flatMap((line) => pattern.exec(line)?.[1] ?? []);
  return value === undefined ? undefined : scalar(value.trim());
}

function scalar(text: string): string | undefined {
  const [, single] = /^'((?:[^']|'')*)'\s*(?:#.*)?$/.exec(text) ?? [];
  if (single !== undefined) return single.replaceAll("''", "'");
  const [double] = /^"(?:[^"\\]|\\.)*"/.exec(text) ?? [];
  if (double !== undefined) return parseDouble(double);
  const plain = text.replace(/(?:^|\s+)#.*$/, '').trim();
  return plain === '' || /^[[{&*!|>%@`]/.test(plain) ? undefined : plain;
}

function parseDouble(text: string): string | undefined {
  try {
    return String(JSON.parse(text));
  } catch {
    return undefined;
  }
}
