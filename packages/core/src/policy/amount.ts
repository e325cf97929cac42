export type AmountUnit = 'time' | 'size' | 'count' | 'percent';

const times: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };
const sizes: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/**
 * Parses `30d`, `12h`, `10GiB`, `500MB`, `20`, `30%`, `none`: returns milliseconds (whole minutes, rounded up),
 * bytes, a count, percent, or Infinity for `none`. Returns undefined for other text.
 */
export function parseAmount(unit: AmountUnit, text: string): number | undefined {
  if (unit === 'percent') return parsePercent(text);
  if (text === 'none' && unit !== 'count') return Number.POSITIVE_INFINITY;
  const [, digits = '', suffix = ''] = /^(\d{1,12}(?:\.\d{1,3})?)\s?([A-Za-z]*)$/.exec(text) ?? [];
  if (digits === '') return undefined;
  const factor = suffix === '' ? bare(unit, digits) : factorOf(unit, suffix);
  const value = factor === undefined ? undefined : whole(unit, Number(digits) * factor);
  return value !== undefined && Number.isSafeInteger(value) ? value : undefined;
}

/** Rounds to what {@link formatAmount} can write: whole minutes for times. */
function whole(unit: AmountUnit, value: number): number {
  return unit === 'time' ? Math.ceil(Math.round(value) / 60_000) * 60_000 : Math.round(value);
}

function parsePercent(text: string): number | undefined {
  const value = /^\d{1,3}%?$/.test(text) ? Number.parseInt(text, 10) : undefined;
  return value !== undefined && value <= 100 ? value : undefined;
}

/** Without a unit, only counts and zero are valid. */
function bare(unit: AmountUnit, digits: string): number | undefined {
  if (unit === 'count') return digits.includes('.') ? undefined : 1;
  return Number(digits) === 0 ? 1 : undefined;
}

function factorOf(unit: AmountUnit, suffix: string): number | undefined {
  if (unit === 'count') return undefined;
  const factors = unit === 'time' ? times : sizes;
  const name = Object.keys(factors).find((each) => each.toLowerCase() === suffix.toLowerCase());
  return name === undefined ? undefined : factors[name];
}

/** Returns the amount in the form of {@link parseAmount}, in the largest unit without a remainder. */
export function formatAmount(unit: AmountUnit, value: number): string {
  if (!Number.isFinite(value)) return 'none';
  if (unit === 'percent') return `${value}%`;
  if (unit === 'count' || value === 0) return String(value);
  const factors = Object.entries(unit === 'time' ? times : sizes).toSorted(([, a], [, b]) => b - a);
  const [name, factor] = factors.find(([, each]) => value % each === 0) ?? ['', 1];
  return `${value / factor}${name}`;
}
