import { InvalidArgumentError } from 'commander';

/** Where a job begins to read: epoch milliseconds are record timestamps. */
export type StartAt = 'beginning' | 'end' | number;

export const startOf = (text: string): StartAt =>
  text === 'beginning' || text === 'end' ? text : isoTime(text, 'beginning, end, or an ISO time');

/** Before which record times a job ends. */
export const endOf = (text: string): number => isoTime(text, 'an ISO time');

function isoTime(text: string, expected: string): number {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw new InvalidArgumentError(expected);
  return ms;
}
