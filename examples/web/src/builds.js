import { v5 as uuid } from 'uuid';
import { parse } from 'yaml';
import { z } from 'zod';

const Builds = z.array(z.object({ name: z.string().min(1), startedAt: z.coerce.number() }));

/** Reads a YAML list of builds and gives each an id that depends only on its name. */
export function parseBuilds(text) {
  return Builds.parse(parse(text)).map((build) => ({ ...build, id: uuid(build.name, uuid.URL) }));
}
