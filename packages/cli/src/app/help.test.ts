import { expect, test } from 'vitest';
import { parseLine } from '../base/args.ts';
import { stage } from '../fixtures/staged-host.fixture.ts';
import { commandList, findCommand } from './command-list.ts';

test('the overview names every command in under 45 lines', async () => {
  using on = stage();
  expect(await on.cachelane('--help')).toBe(0);
  const lines = on.out().split('\n');
  expect(lines.length).toBeLessThanOrEqual(45);
  expect(lines.filter((line) => line.length > 100)).toEqual([]);
  const words = on.out().replaceAll(/\s+/g, ' ');
  expect(commandList.filter(({ name }) => !words.includes(` ${name}`))).toEqual([]);
});

test('the usage line shows a required option', async () => {
  using on = stage();
  await on.cachelane('revoke', '--help');
  expect(on.out()).toContain('Usage: cachelane revoke --run RUN [OPTION]...\n');
});

test.each(commandList.map(({ name }) => name))('the help of %s begins with examples that parse', async (name) => {
  const { spec } = (await findCommand(name.split(' '))?.entry.load()) ?? expect.fail(name);
  expect(spec.summary.length).toBeLessThan(60);
  expect(spec.examples.length).toBeGreaterThan(0);
  expect(spec.examples.length).toBeLessThanOrEqual(3);
  for (const example of spec.examples) {
    const [program, ...words] = example.split(' ');
    expect(program).toBe('cachelane');
    const found = findCommand(words);
    expect(found?.entry.name).toBe(name);
    expect(() => parseLine(spec, found?.rest ?? [])).not.toThrow();
  }
  using on = stage();
  await on.cachelane(...name.split(' '), '--help');
  expect(on.out().indexOf('Examples:')).toBeLessThan(on.out().indexOf('Usage:'));
  expect(
    on
      .out()
      .split('\n')
      .filter((line) => line.length > 100),
  ).toEqual([]);
});
