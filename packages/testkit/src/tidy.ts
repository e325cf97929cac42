/** A text file of the repository; `path` is relative to its root, with `/`. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** A rule checks one file and returns one line per finding. */
export interface TidyRule {
  readonly name: string;
  readonly appliesTo: (path: string) => boolean;
  readonly findings: (file: SourceFile) => readonly string[];
}

const linesMax = 400;
const testLinesMax = 600;
const columnsMax = 160;

const isSource = (path: string): boolean => /^(packages\/[^/]+\/src|e2e)\/.*\.ts$/.test(path);
const isTest = (path: string): boolean => /\.(test|fixture|bench)\.ts$/.test(path);
/** Its length follows from the schema. */
const isGenerated = (path: string): boolean => path.startsWith('packages/sdk/src/generated/');
const isShipped = (path: string): boolean => isSource(path) && !isTest(path);
/** These files quote forbidden patterns. */
export const isTidyItself = (path: string): boolean => /^packages\/testkit\/src\/tidy(\.test)?\.ts$/.test(path);
const isCli = (path: string): boolean => path.startsWith('packages/cli/');
const isPage = (path: string): boolean => /^(docs\/.*|README|CONTRIBUTING)\.md$/.test(path);
const isLongLine = (line: string): boolean => [...line.trimEnd()].length > columnsMax;
/** The entry file of a package. */
const isEntry = (path: string): boolean => /^packages\/([^/]+\/src\/index|sdk\/src\/node)\.ts$/.test(path);
const isCompositionRoot = (path: string): boolean => /^packages\/cli\/src\/(main|compose)\.ts$/.test(path);

/** Returns lines of code with their numbers, without comments. */
function codeLines(text: string): readonly (readonly [number, string])[] {
  return text
    .split('\n')
    .map((line, index) => [index + 1, line.replace(/(^|\s)\/\/.*$/, '')] as const)
    .filter(([, line]) => !/^\s*(\*|\/\*)/.test(line));
}

function forbid(pattern: RegExp, advice: string): TidyRule['findings'] {
  return ({ text }) =>
    codeLines(text).flatMap(([number, line]) => {
      const found = pattern.exec(line);
      return found ? [`line ${number}: ${found[0].trim()}: ${advice}`] : [];
    });
}

function forbidAnywhere(pattern: RegExp, advice: string): TidyRule['findings'] {
  return ({ text }) =>
    text.split('\n').flatMap((line, index) => (pattern.test(line) ? [`line ${index + 1}: ${advice}`] : []));
}

/** Reads of clock, randomness or environment, which must come from a port or an argument. */
const worldPattern =
  /\b(Date\.now|new Date\(\)|performance\.now|process\.(env|hrtime|cwd)\b|Math\.random|random(Bytes|UUID|Int)\b|getRandomValues)/;

/** Returns allowed files that no longer need it. */
export function staleAllowances(files: readonly SourceFile[], allowed: ReadonlyMap<string, string>): readonly string[] {
  return [...allowed.keys()].filter((path) => {
    const file = files.find((candidate) => candidate.path === path);
    return file === undefined || !codeLines(file.text).some(([, line]) => worldPattern.test(line));
  });
}

export function tidyRules(worldAllowed: ReadonlyMap<string, string>): readonly TidyRule[] {
  return [
    {
      name: 'file length',
      appliesTo: (path) => isSource(path) && !isGenerated(path),
      findings: ({ path, text }) => {
        const lines = text.split('\n').length - 1;
        const max = isTest(path) ? testLinesMax : linesMax;
        return lines > max ? [`${lines} lines, at most ${max}: split it by what changes together`] : [];
      },
    },
    {
      name: 'file names',
      appliesTo: (path) => isSource(path) || /^scripts\/.*\.ts$/.test(path),
      findings: ({ path }) => {
        const name = path.slice(path.lastIndexOf('/') + 1);
        return /^[a-z0-9]+(-[a-z0-9]+)*(\.(int|sim|stress))?(\.(test|fixture|bench|d))?\.ts$/.test(name)
          ? []
          : [
              'file names are kebab-case, and end in .ts, .test.ts, .int.test.ts, .sim.test.ts, .stress.test.ts or .fixture.ts',
            ];
      },
    },
    {
      name: 'default exports',
      appliesTo: isSource,
      findings: forbid(/^\s*export default\b|\bas default\b/, 'export it by name'),
    },
    {
      name: 'barrels',
      appliesTo: (path) => isSource(path) && !isEntry(path),
      findings: forbid(
        /^\s*export\s+(type\s+)?(\*|\{[^}]*\}\s*from\b)/,
        "only a package's entry passes on what other files export",
      ),
    },
    {
      name: 'console',
      appliesTo: (path) => isSource(path) && !isCli(path),
      findings: forbid(/\bconsole\./, 'emit an event, the reporters of the cli print it'),
    },
    {
      name: 'clock, randomness, environment',
      appliesTo: (path) => isShipped(path) && !isCompositionRoot(path) && !worldAllowed.has(path),
      findings: forbid(worldPattern, 'take it from a port (Clock, Random) or as an argument'),
    },
    {
      name: 'unrepeatable tests',
      appliesTo: (path) => isSource(path) && isTest(path),
      findings: forbid(/\bMath\.random/, 'use a seed: fast-check, or the seeded random of the testkit'),
    },
    {
      name: 'left-out tests',
      appliesTo: (path) => isSource(path) && isTest(path),
      findings: forbid(/\.(only|skip|todo)\(/, 'run it or remove it; for a missing command there is requireCommands'),
    },
    {
      name: 'drivers',
      appliesTo: (path) => isCli(path) && isShipped(path) && path !== 'packages/cli/src/compose/compose.ts',
      findings: forbid(
        /\bimport\(\s*'@cachelane\/(store|runtimes|remotes|tools)/,
        'drivers are imported in compose.ts only',
      ),
    },
    {
      name: 'pages',
      appliesTo: isPage,
      findings: ({ path, text }) => {
        const lines = text.split('\n');
        const max = path === 'README.md' ? 100 : linesMax;
        const long = lines.flatMap((line, index) =>
          isLongLine(line) ? [`line ${index + 1}: over ${columnsMax} characters`] : [],
        );
        return lines.length - 1 > max ? [`${lines.length - 1} lines, at most ${max}`, ...long] : long;
      },
    },
    {
      name: 'unfinished work',
      appliesTo: () => true,
      findings: forbidAnywhere(/\b(TODO|FIXME|XXX)\b/, 'do it, or file an issue'),
    },
    {
      name: 'paths of one machine',
      appliesTo: () => true,
      findings: forbidAnywhere(/(^|[\s'"`(=:,])\/(work|root)\//, 'a path of one machine'),
    },
  ];
}

function anchorsOf(markdown: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of markdown.matchAll(/^#{1,6}\s+(.+?)\s*$/gm)) {
    const words = heading.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, '');
    anchors.add(words.replace(/\s/g, '-'));
  }
  return anchors;
}

/** Returns links of a Markdown file to missing targets in the repository. */
export function brokenLinks(
  file: SourceFile,
  read: (path: string) => string | undefined,
  exists: (path: string) => boolean,
): readonly string[] {
  const prose = file.text.replace(/^(```|~~~)[\s\S]*?^\1/gm, '').replace(/`[^`\n]*`/g, '');
  const targets = [...prose.matchAll(/\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)|^\[[^\]]+\]:\s*(\S+)/gm)];
  return targets.flatMap(([, inline, reference]) => {
    const target = inline ?? reference ?? '';
    if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return [];
    const [path = '', anchor] = decodeURI(target).split('#');
    const folder = file.path.includes('/') ? file.path.slice(0, file.path.lastIndexOf('/') + 1) : '';
    const resolved = path === '' ? file.path : new URL(path, `file:///${folder}`).pathname.slice(1);
    if (!exists(resolved)) return [`${target}: no such file`];
    if (anchor === undefined || !resolved.endsWith('.md')) return [];
    return anchorsOf(read(resolved) ?? '').has(anchor) ? [] : [`${target}: no such heading`];
  });
}
