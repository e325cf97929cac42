import { program } from 'commander';
import express from 'express';
import { pino } from 'pino';
import { parseBuilds } from './builds.js';
import { renderPage } from './page.js';

const { port } = program.option('--port <number>', 'where to listen', '0').parse().opts();
const log = pino();
const builds = parseBuilds('- { name: web, startedAt: 1767225600000 }\n- { name: api, startedAt: 1767312000000 }\n');

const app = express();
app.get('/', (_request, response) => {
  response.send(renderPage(builds));
});
const server = app.listen(Number(port), () => log.info({ port: server.address().port }, 'listening'));
