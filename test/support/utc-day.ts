import { setTimeout as pause } from 'node:timers/promises';
import { dayOf, type Day } from '../../src/core/day.js';

/**
 * Today in UTC, with at least `leftMs` milliseconds of it left: shortly before midnight it waits for the next day, so that
 * what a test says of today holds until the test has ended. To be asked in a hook or a test: files are read long before.
 */
export async function today(leftMs = 30_000): Promise<Day> {
  while (dayOf(Date.now()) !== dayOf(Date.now() + leftMs)) await pause(100);
  return dayOf(Date.now());
}
