// Not the `ini` package: it cannot read `key: value`, and cuts values at `;` and `#`, which Python keeps.

/** Returns the last one-line value of a key in a section, as Python's configparser reads INI files. */
export function iniText(text: string, section: string, key: string): string | undefined {
  let at = '';
  let found: string | undefined;
  for (const line of text.split(/\r?\n/)) {
    const [, header] = /^\[(.+)\]\s*$/.exec(line) ?? [];
    if (header !== undefined) at = header;
    const [, name, value] = /^([^\s#;=:][^=:]*?)\s*[=:]\s*(.*?)\s*$/.exec(line) ?? [];
    // pip treats `cache_dir` and `cache-dir` alike.
    if (at === section && name?.toLowerCase().replaceAll('_', '-') === key) found = value;
  }
  return found;
}
