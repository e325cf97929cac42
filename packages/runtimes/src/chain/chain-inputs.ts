import type { Chain, ChainOptions } from './chain.ts';
import { namelessFile } from '../system/nameless-file.ts';

/** Descriptors for a child, numbered after the status descriptor. */
export interface ChainInputs extends Disposable {
  readonly fds: readonly number[];
}

/** Opens a chain's inputs for one attempt; each can be read once. Throws file system errors. */
export function openInputs(
  { inputs }: Chain,
  { marker, copies }: Pick<ChainOptions, 'marker' | 'copies'>,
): ChainInputs {
  using files = new DisposableStack();
  const fds = inputs.map((text, index) => files.use(namelessFile(`${marker}.input-${index}`, text)).fd);
  const kept = files.move();
  return { fds: [...fds, ...copies.map(({ fd }) => fd)], [Symbol.dispose]: () => kept.dispose() };
}
