import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeReport, type WrittenReport } from './report-file.ts';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cachelane-report-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

const report: WrittenReport = { namespace: null, lane: null, trust: null, exitCode: 3, volumes: [] };

test('the file is replaced at once and leaves no temporary file', () => {
  const path = join(dir, 'report.json');
  writeFileSync(path, 'old and much longer than nothing'.repeat(100));
  writeReport(path, report);
  expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(report);
  expect(readdirSync(dir)).toEqual(['report.json']);
});

test('a symlink to the file is kept', () => {
  symlinkSync('target.json', join(dir, 'link.json'));
  writeFileSync(join(dir, 'target.json'), '');
  writeReport(join(dir, 'link.json'), report);
  expect(lstatSync(join(dir, 'link.json')).isSymbolicLink()).toBe(true);
  expect(JSON.parse(readFileSync(join(dir, 'target.json'), 'utf8'))).toEqual(report);
});

test('a device is written to, not replaced', () => {
  symlinkSync('/dev/null', join(dir, 'sink'));
  writeReport(join(dir, 'sink'), report);
  expect(lstatSync(join(dir, 'sink')).isSymbolicLink()).toBe(true);
});

test('a missing directory is an error', () => {
  expect(() => writeReport(join(dir, 'none/report.json'), report)).toThrow('ENOENT');
});
