/** What a variable of the environment asks for. Anything else than these is no wish: a run must not fail for it. */
export function wishOf(value: string | undefined): 'yes' | 'no' | null {
  if (value === '1' || value === 'true') return 'yes';
  return value === '0' || value === 'false' ? 'no' : null;
}
