import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, extname, join, resolve } from 'node:path';
import { CachelaneError, unreachable } from '@cachelane/core';

/** In order of precedence. */
const extensions = ['.ts', '.mts', '.mjs', '.js', '.yaml', '.yml', '.json'];
const baseName = 'cachelane.catalog';
const catalogBytesMax = 4_194_304;

/** A parsed catalog file. */
export interface CatalogFile {
  /** Name of the file for messages. */
  readonly source: string;
  readonly value: unknown;
}

/** Whether the text means a file and not a namespace. */
export function isCatalogFile(directory: string, text: string): boolean {
  return extensions.includes(extname(text)) && existsSync(resolve(directory, text));
}

/** Returns the only catalog file. Errors: E_NOT_FOUND, E_USAGE for several. */
export function findCatalogFile(directory: string): string {
  const found = extensions.map((extension) => baseName + extension).filter((name) => existsSync(join(directory, name)));
  const [first, ...more] = found;
  if (first === undefined) {
    throw new CachelaneError('E_NOT_FOUND', `there is no ${baseName}.yaml or ${baseName}.ts in ${directory}`, {
      hint: 'create it, or name another file',
    });
  }
  if (more.length === 0) return join(directory, first);
  throw new CachelaneError('E_USAGE', `there are ${found.join(' and ')} in ${directory}`, { hint: 'name one of them' });
}

export interface CatalogFileQuestion {
  readonly directory: string;
  readonly name: string;
  /** The environment for running code. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Reads a catalog. Code runs like any script of the user; its default export is the catalog. Errors: E_NOT_FOUND, E_CATALOG, E_LIMIT. */
export async function readCatalogFile({ directory, name, env }: CatalogFileQuestion): Promise<CatalogFile> {
  const path = resolve(directory, name);
  const source = basename(path);
  if (!existsSync(path) || !statSync(path).isFile()) {
    throw new CachelaneError('E_NOT_FOUND', `there is no file ${path}`);
  }
  if (statSync(path).size > catalogBytesMax) {
    throw new CachelaneError('E_LIMIT', `${source} is larger than ${catalogBytesMax} bytes`);
  }
  const isText = ['.yaml', '.yml', '.json'].includes(extname(path));
  return { source, value: isText ? await parsed(path, source) : await exported({ path, source, env }) };
}

async function parsed(path: string, source: string): Promise<unknown> {
  const { parse } = await import('yaml');
  try {
    // JSON is YAML.
    return parse(new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path))) as unknown;
  } catch (error) {
    const why = (error as Error).message.split('\n')[0] ?? '';
    throw new CachelaneError('E_CATALOG', `cannot read ${source}: ${why}`, { cause: error });
  }
}

interface RunFile {
  readonly path: string;
  readonly source: string;
  readonly env: CatalogFileQuestion['env'];
}

async function exported({ path, source, env }: RunFile): Promise<unknown> {
  const { runCatalogCode } = await import('./run-catalog-code.ts');
  const end = await runCatalogCode({ path, env, bytesMax: catalogBytesMax });
  switch (end.kind) {
    case 'exported':
      if (end.value !== undefined) return end.value;
      throw new CachelaneError('E_CATALOG', `${source} exports no catalog`, { hint: exportHint });
    case 'ended':
      throw new CachelaneError('E_CATALOG', `${source} exited (${end.how}) before it exported a catalog`, {
        hint: exportHint,
      });
    case 'too-large':
      throw new CachelaneError('E_LIMIT', `${source} exports more than ${catalogBytesMax} bytes`);
    case 'failed':
      throw new CachelaneError('E_CATALOG', `${source} failed: ${end.message}`, hintOf(end));
    default:
      return unreachable(end);
  }
}

const exportHint = 'export default defineCatalog({ volumes: { … } })';

/** For the package.json that `npm init` writes. */
const moduleHint =
  'the nearest package.json has "type": "commonjs": rename the file to .mts (or .mjs), or set "type": "module"';

function hintOf({ message, code }: { readonly message: string; readonly code: string | undefined }): object {
  if (code === 'ERR_MODULE_NOT_FOUND' && message.includes('@cachelane/sdk'))
    return { hint: 'install @cachelane/sdk there, or export a plain object without defineCatalog' };
  if (/outside a module|Unexpected token 'export'/.test(message)) return { hint: moduleHint };
  return {};
}
