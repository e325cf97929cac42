import { globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

type Files = Readonly<Record<string, string>>;

/** A repository with two programs and their tests. */
export interface GoRepository {
  readonly module: string;
  readonly files: Files;
  /** Import paths without the module's prefix. */
  readonly packages: readonly string[];
  /** The packages with tests. */
  readonly tested: readonly string[];
  /** A change to a package of both programs. */
  readonly change: {
    readonly files: Files;
    /** The packages that the change recompiles, beside the programs. */
    readonly compiles: readonly string[];
    /** Those of the first program. */
    readonly ofFirst: readonly string[];
  };
}

const services = join(import.meta.dirname, '../../examples/services');

/** Returns `examples/services`: an HTTP server, a worker, and e2e tests. A cold build compiles much of the standard library. */
export function goServices(): GoRepository {
  const paths = globSync('**', { cwd: services }).filter((path) => statSync(join(services, path)).isFile());
  const files = Object.fromEntries(paths.map((path) => [path, readFileSync(join(services, path), 'utf8')]));
  const ledger = 'internal/ledger/ledger.go';
  const more = '\n// Customers returns their number.\nfunc (l Ledger) Customers() int { return len(l) }\n';
  return {
    module: 'example.com/services',
    files,
    packages: ['cmd/api', 'cmd/worker', 'e2e', 'internal/api', 'internal/ledger', 'internal/order'],
    tested: ['e2e', 'internal/order'],
    change: {
      files: { [ledger]: `${files[ledger]}${more}` },
      compiles: ['e2e', 'internal/api', 'internal/ledger'],
      ofFirst: ['internal/api', 'internal/ledger'],
    },
  };
}

const toolsProgram = (name: string): string =>
  `package main\n\nimport "example.com/tools/internal/${name}"\n\nfunc main() { println(${name}.Say()) }\n`;
const toolsPackage = (name: string): string =>
  `package ${name}\n\nimport "example.com/tools/internal/greet"\n\nfunc Say() string { return greet.Greet("${name}") }\n`;
const toolsGreet = (greeting: string): Files => ({
  'internal/greet/greet.go': `package greet\n\nimport "strconv"\n\nfunc Greet(name string) string { return "${greeting}" + strconv.Quote(name) }\n`,
});

/** Returns a small version that compiles in seconds instead of most of a minute. */
export function goTools(): GoRepository {
  return {
    module: 'example.com/tools',
    files: {
      'go.mod': 'module example.com/tools\n\ngo 1.21\n',
      'cmd/one/main.go': toolsProgram('one'),
      'cmd/two/main.go': toolsProgram('two'),
      'internal/one/one.go': toolsPackage('one'),
      'internal/two/two.go': toolsPackage('two'),
      ...toolsGreet('hello '),
      'e2e/e2e_test.go': `package e2e

import (
	"testing"

	"example.com/tools/internal/one"
	"example.com/tools/internal/two"
)

func TestBoth(t *testing.T) {
	if one.Say() == two.Say() {
		t.Error("both say the same")
	}
}
`,
    },
    packages: ['cmd/one', 'cmd/two', 'e2e', 'internal/greet', 'internal/one', 'internal/two'],
    tested: ['e2e'],
    change: {
      files: toolsGreet('good day '),
      compiles: ['internal/greet', 'internal/one', 'internal/two'],
      ofFirst: ['internal/greet', 'internal/one'],
    },
  };
}

export interface GoJob {
  readonly workflow: string;
  readonly name: 'first' | 'second' | 'test' | 'lint';
  readonly script: string;
}

const build = (path = ''): string => `go build -x -o "$TMPDIR/" ./${path}`;

/** Returns two workflows with four jobs. `-x` shows what is compiled and is not part of any key. The linter runs vet, not the tests. */
export function goJobs({ packages }: GoRepository): readonly GoJob[] {
  const [first, second] = packages.filter((path) => path.startsWith('cmd/'));
  return [
    { workflow: 'Build', name: 'first', script: build(first) },
    { workflow: 'Build', name: 'second', script: build(second) },
    { workflow: 'Checks', name: 'test', script: 'go test -x -vet=off ./...' },
    { workflow: 'Checks', name: 'lint', script: 'go vet -x ./...' },
  ];
}
