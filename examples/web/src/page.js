import dayjs from 'dayjs';
import { sortBy } from 'lodash-es';
import { createElement } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';

const h = createElement;

/** Returns a page that lists builds, the latest first. */
export function renderPage(builds) {
  const rows = sortBy(builds, (build) => -build.startedAt).map((build) =>
    h('li', { key: build.id }, `${build.name}, ${dayjs(build.startedAt).format('YYYY-MM-DD')}`),
  );
  return `<!doctype html>${renderToStaticMarkup(h('main', null, h('h1', null, 'Builds'), h('ul', null, rows)))}`;
}
