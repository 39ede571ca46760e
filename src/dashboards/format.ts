import type { Unit } from '../core/dashboards/dashboard.js';
import type { Cell, Column } from './look.js';

const COUNT = new Intl.NumberFormat('en');
const RATIO = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 2 });

/** A number with its unit; text of digits keeps all of them. */
export function formatted(value: number | string, unit: Unit): string {
  const number = typeof value === 'string' && /^-?\d+$/.test(value) ? BigInt(value) : Number(value);
  switch (unit) {
    case 'count':
      return COUNT.format(number);
    case 'ratio':
      return RATIO.format(number);
    case 'ms':
      return `${COUNT.format(number)} ms`;
  }
}

const isNumber = (type: string): boolean => /^(Nullable\()?(U?Int|Float|Decimal)\d/.test(type);

/** How a cell of a column is told. */
export function cellText(value: Cell, { type }: Column, unit: Unit = 'count'): string {
  if (value === null) return '–';
  if (typeof value !== 'boolean' && isNumber(type)) return formatted(value, unit);
  if (type.includes('DateTime')) return String(value).replace('T', ' ').replace(/Z$/, '');
  return String(value);
}

export const isRightAligned = ({ type }: Column): boolean => isNumber(type);
