import { expect, test } from 'vitest';
import { cargoTargetTool } from './cargo-target.ts';
import { environmentOf, ruleOf, type FakeEnvironment } from '../tool-environment.fixture.ts';

test.each([
  ['debug/', 'G target count'],
  ['debug/app', 'G target count'],
  ['debug/deps/left-0a.rlib', 'G target count'],
  ['.rustc_info.json', 'G target count'],
  ['debug/.cargo-lock', 'never'],
  ['debug/incremental/', 'never'],
  ['debug/incremental/app-0a/s-1.lock', 'never'],
  ['x86_64-unknown-linux-musl/release/incremental/x', 'never'],
  ['debug/build/left-0a/out/incremental/x', 'G target count'],
  ['debug/build/left-0a/out/Cargo.lock', 'G target count'],
])('%s: %s', (path, rule) => {
  expect(ruleOf(cargoTargetTool, path)).toBe(rule);
});

interface Place extends FakeEnvironment {
  readonly name: string;
  readonly at: string;
}

test.each<Place>([
  { name: 'there is no project', at: 'undefined (undefined)' },
  {
    name: 'nothing is set',
    files: { '/home/ann/project/Cargo.toml': '[package]' },
    at: "/home/ann/project/target (cargo's default)",
  },
  {
    name: 'it is a workspace member',
    workDir: '/home/ann/project/a',
    files: { '/home/ann/project/a/Cargo.toml': '[package]', '/home/ann/project/Cargo.toml': '[workspace]' },
    at: "/home/ann/project/target (cargo's default)",
  },
  {
    name: 'the project sets it',
    files: { '/home/ann/project/.cargo/config.toml': '[build]\ntarget-dir = "out"' },
    at: '/home/ann/project/out (build.target-dir in /home/ann/project/.cargo/config.toml)',
  },
  { name: 'the environment sets it', env: { CARGO_TARGET_DIR: '/t' }, at: '/t (CARGO_TARGET_DIR in the environment)' },
])('finds it when $name', ({ at, ...environment }) => {
  const place = cargoTargetTool.locate(environmentOf(environment));
  expect(`${place?.path} (${place?.source})`).toBe(at);
});
