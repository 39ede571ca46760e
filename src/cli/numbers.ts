import { InvalidArgumentError } from 'commander';

/** `1,234,567`: of whole numbers. Intl would do it too, after loading for 12 ms. */
export const thousands = (n: number | string): string => String(n).replace(/\B(?=(\d{3})+$)/g, ',');

/** Numbers as options take them. @throws InvalidArgumentError, which the command line says in one line. */

export function number(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('expected a number');
  return value;
}

export function wholeAboveZero(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('expected a whole number above 0');
}

export const wholeNumber =
  (from: number, to: number = Number.MAX_SAFE_INTEGER) =>
  (text: string): number => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= from && value <= to) return value;
    throw new InvalidArgumentError(
      to === Number.MAX_SAFE_INTEGER ? `a whole number from ${from}` : `${from} to ${to}`,
    );
  };
