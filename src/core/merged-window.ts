import type { UniqueSketch } from './hyperloglog.js';
import type { Window } from './window.js';

/** What the slices have reported of one window. */
export interface MergedWindow {
  readonly window: Window;
  /** Per slice, per field: cumulative, so that reading a report again changes nothing. */
  readonly frames: Map<string, readonly number[]>;
  /** Per slice: what it counted after the window had left its memory. */
  again?: Map<string, CountedAgain>;
  readonly sketches: UniqueSketch[];
  isFinal: boolean;
  revision: number;
  /** Since the last result. */
  hasChanged: boolean;
  /** Since the last snapshot. */
  isDirty: boolean;
}

/** Sums, per field, of the reports up to this number. */
export interface CountedAgain {
  readonly number: number;
  readonly frames: readonly number[];
}

/** A slice's newest report of a window replaces the one before. */
export const setFrames =
  (slice: string) =>
  (merged: MergedWindow, frames: readonly number[]): boolean => {
    const before = merged.frames.get(slice);
    merged.frames.set(slice, frames);
    return before?.every((count, field) => count === frames[field]) !== true;
  };

/** Reports of a window opened again, numbered in their order, add up. */
export const addFrames =
  (slice: string, number: number) =>
  (merged: MergedWindow, frames: readonly number[]): boolean => {
    const before = merged.again?.get(slice);
    if (before !== undefined && number <= before.number) return false;
    const sums = frames.map((count, field) => count + (before?.frames[field] ?? 0));
    merged.again ??= new Map();
    merged.again.set(slice, { number, frames: sums });
    return true;
  };

export function totalFrames({ frames, again }: MergedWindow, field: number): number {
  let total = 0;
  for (const counted of frames.values()) total += counted[field]!;
  for (const counted of again?.values() ?? []) total += counted.frames[field]!;
  return total;
}
