import { startRadosgw } from './radosgw.ts';

/** Starts a server, prints its directory, and waits to be killed. */
const server = await startRadosgw();
process.stdout.write(`${server.dir}\n`);
setInterval(() => undefined, 1000);
