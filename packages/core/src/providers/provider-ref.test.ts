import { describe, expect, test } from 'vitest';
import { isCachelaneError } from '../base/errors.ts';
import { isLoopback, parseImageReference } from './image-reference.ts';
import { parseCatalogArgument, parseProviderRef, providerText } from './provider-ref.ts';

const parse = (text: string) => parseProviderRef(text, '--provider');

function refusal(text: string): string {
  try {
    parse(text);
  } catch (error) {
    if (isCachelaneError(error, 'E_CONFIG')) return `${error.message} | ${error.hint}`;
    throw error;
  }
  return 'taken';
}

const digest = `sha256:${'0a'.repeat(32)}`;

describe('a reference', () => {
  test.each([
    ['project', 'project:'],
    ['project:', 'project:'],
    ['project:github.com/acme/web:pip', 'project:github.com/acme/web:pip'],
    ['project:pip', 'project:pip'],
    ['catalog:github.com/acme/pip-cache', 'catalog:github.com/acme/pip-cache'],
    ['catalog:my-org/pip-cache', 'catalog:my-org/pip-cache'],
    ['dir:/mnt/pip', 'dir:/mnt/pip'],
    ['host:', 'host:'],
    ['docker-volume:pip_1', 'docker-volume:pip_1'],
    ['oci:localhost:5000/pip', 'oci:localhost:5000/pip'],
    ['none', 'none:'],
    ['vault:team/x', 'vault:team/x'],
  ])('%s is %s', (text, shown) => {
    expect(providerText(parse(text))).toBe(shown);
  });

  test.each([
    ['', 'names no provider'],
    ['/mnt/pip', 'names no provider'],
    ['Dir:/mnt', 'names no provider'],
    ['dir:', 'not absolute'],
    ['dir:mnt', 'not absolute'],
    ['dir:/mnt/../etc', 'not a plain path'],
    ['dir://etc', 'not a plain path'],
    ['dir:/', 'the root directory'],
    ['dir:/a\nb', 'has an invalid argument for'],
    ['host:x', 'nothing after the colon'],
    ['none:x', 'nothing after the colon'],
    ['docker-volume:', 'no Docker volume'],
    ['docker-volume:-f', 'no Docker volume'],
    ['docker-volume:a/b', 'no Docker volume'],
    ['catalog:pip', 'no definition'],
    ['catalog:/pip', 'no definition'],
    ['catalog:a b/pip', 'namespace'],
    ['project:a b', 'volume name'],
    ['oci:pip', 'no registry'],
    ['oci:acme/pip', 'no registry'],
    ['oci:ann:s3cret@ghcr.io/acme/pip', 'no registry'],
    ['oci:ghcr.io/../pip', 'no repository'],
    ['oci:ghcr.io/Acme/pip', 'no repository'],
    [`vault:${'a'.repeat(4097)}`, 'has an invalid argument for'],
    ['oci:ghcr.io/acme/pip:a/b', 'tag'],
    ['oci:ghcr.io/acme/pip@sha256:abc', 'digest'],
  ])('%j is refused: %s', (text, why) => {
    expect(refusal(text)).toContain(why);
    expect(refusal(text)).toMatch(/^--provider/);
  });

  test('may have an argument as long as the longest path', () => {
    expect(refusal(`vault:${'a'.repeat(4096)}`)).toBe('taken');
    expect(refusal(`vault:${'a'.repeat(4097)}`)).toContain('has an invalid argument for');
  });

  test('with a password does not show it', () => {
    for (const text of ['oci:ann:s3cret@ghcr.io/acme/pip', 'https://ann:s3cret@host/x\n']) {
      expect(refusal(text)).not.toContain('s3cret');
    }
    expect(providerText(parse('vault:https://ann:s3cret@host/x'))).toBe('vault:https://host/x');
  });
});

test('a definition is the last part', () => {
  expect(parseCatalogArgument('github.com/acme/pip-cache')).toEqual({
    catalog: 'github.com/acme',
    definition: 'pip-cache',
  });
});

test.each([
  ['ghcr.io/acme/pip', { host: 'ghcr.io', repository: 'acme/pip', tag: 'latest', digest: null }],
  ['ghcr.io/acme/pip:1.2', { host: 'ghcr.io', repository: 'acme/pip', tag: '1.2', digest: null }],
  [`localhost/pip@${digest}`, { host: 'localhost', repository: 'pip', tag: null, digest }],
  [`127.0.0.1:5000/a/b:t@${digest}`, { host: '127.0.0.1:5000', repository: 'a/b', tag: 't', digest }],
])('the image %s', (text, image) => {
  expect(parseImageReference(text)).toEqual(image);
});

test('only registries on this machine are used without TLS', () => {
  expect(['localhost', 'localhost:5000', '127.0.0.1:80'].every(isLoopback)).toBe(true);
  expect(['localhost.example', '127.0.0.1.example', '127.0.0.2', 'ghcr.io', '10.0.0.1:5000'].some(isLoopback)).toBe(
    false,
  );
});
