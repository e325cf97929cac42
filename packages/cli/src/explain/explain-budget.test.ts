import { expect, test } from 'vitest';
import { budgetText } from './explain-budget.ts';

test('evictions are shown with their date', () => {
  const evicted = { files: 3, atMs: Date.UTC(2026, 0, 2) };
  const budget = { value: 20e6, source: 'default' };
  expect(budgetText({ budget, holdsBytes: 12e6, lookedAtMs: null, evicted })).toBe(
    '12 MB of 20MB (volume-budget, default); reads never observed; 3 files evicted in the 30 days up to 2026-01-02 00:00:00Z',
  );
});
