import type { Chain, ChainOptions } from './chain.ts';
import { namelessFile } from '../system/nameless-file.ts';

/** Descriptors for a child, behind that of the status. */
export interface ChainInputs extends Disposable {
  readonly fds: readonly number[];
}

/** What a chain reads, for one attempt: who has read a descriptor is at its end. Throws what the file system throws. */
export function openInputs(
  { inputs }: Chain,
  { marker, copies }: Pick<ChainOptions, 'marker' | 'copies'>,
): ChainInputs {
  using files = new DisposableStack();
  const fds = inputs.map((text, index) => files.use(namelessFile(`${marker}.input-${index}`, text)).fd);
  const kept = files.move();
  return { fds: [...fds, ...copies.map(({ fd }) => fd)], [Symbol.dispose]: () => kept.dispose() };
}
