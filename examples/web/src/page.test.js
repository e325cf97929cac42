import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseBuilds } from './builds.js';
import { renderPage } from './page.js';

test('the latest build comes first', () => {
  const page = renderPage(parseBuilds('- { name: old, startedAt: 1 }\n- { name: new, startedAt: 2 }\n'));
  assert.match(page, /new.*old/);
});

test('a build without a name is refused', () => {
  assert.throws(() => parseBuilds('- { startedAt: 1 }'));
});
