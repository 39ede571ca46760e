import { InvalidArgumentError } from 'commander';

/** Where a job begins to read: epoch milliseconds are record timestamps. */
export type StartAt = 'beginning' | 'end' | number;

export function startOf(text: string): StartAt {
  if (text === 'beginning' || text === 'end') return text;
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw new InvalidArgumentError('beginning, end, or an ISO time');
  return ms;
}
